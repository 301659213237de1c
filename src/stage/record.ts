/**
 * What a stage knows about itself, kept under a registered symbol: a worker may load the library from
 * `dist` while the pipeline runs it from source, and both must recognise each other's stages.
 */
import type { Local } from '../stream/local.ts'
import type { Stage } from './stage.ts'
import type { Birth } from './birth.ts'

const brand: unique symbol = Symbol.for('millstream.stage/1') as never

/** The user's functions, in the one form in which they are run. */
export interface Definition {
  /** Absent for a stage made of a bare function. */
  readonly setup?: (config: unknown) => unknown
  readonly run: (x: unknown, state: unknown, local: Local, config: unknown) => unknown
  readonly teardown?: (state: unknown) => unknown
}

/** A stage as places see it. */
export interface StageRecord {
  /** URL of the module that made the stage. */
  readonly url: string
  /** The same object for a stage and all it gives with `.with()`: its identity. */
  readonly definition: Definition
  /** What `.with()` bound; structured-cloneable. */
  readonly config: unknown
  /** Where `stage()` was called. */
  readonly birth: Birth
}

/** Marks `value` as a stage. */
export function brandAs<T extends object>(value: T, record: StageRecord): T {
  return Object.defineProperty(value, brand, { value: record })
}

/** The record of a stage, made by this copy of the library or by another; else undefined. */
export function recordOf(value: unknown): StageRecord | undefined {
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return undefined
  return (value as { readonly [brand]?: StageRecord })[brand]
}

/** True for stages as they come from `stage()`, without a place. */
export function isStage(value: unknown): value is Stage<never, unknown> {
  return typeof value === 'function' && recordOf(value) !== undefined
}
