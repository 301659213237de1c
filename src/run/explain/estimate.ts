import { specOf } from '../../operators/table.ts'
import type { Json } from '../../stream/operator.ts'
import type { Facts } from './facts.ts'
import type { Part } from './parts.ts'

/** Bytes of `{"v":1,"plan":[],"seed":0,"epoch":0,"rewriting":1,"state":[,,]}`. */
const ENVELOPE = 64
/** Bytes of a node's hash. */
const HASH = 13
/** Bytes of an inlet's brackets, offset and ordinal. */
const INLET = 14
/** Bytes of a position or a counter. */
const NUMBER = 8

/**
 * About how many bytes a checkpoint takes in the middle of a run. Not counted: skipped elements, and plans that a
 * user's function makes.
 */
export function checkpointBytes(nodes: number, parts: readonly Part[], facts: Facts): number {
  return parts.reduce((sum, part) => sum + stateBytes(part, facts), ENVELOPE + HASH * nodes)
}

function stateBytes(part: Part, facts: Facts): number {
  const own = facts.traits(part.node).state ?? NUMBER
  const inlets = part.inputs.length * INLET
  if (part.segment === undefined) return own + inlets
  return NUMBER + inlets + JSON.stringify(part.segment.state).length
}

/** What a part holds while it runs, elements and bytes where they are known. */
export function holding(
  part: Part,
  facts: Facts,
): { readonly elements: number; readonly bytes: number | undefined } | undefined {
  const elements = facts.held(part.node)
  const [input] = part.inputs
  if (elements === undefined || input === undefined) return undefined
  const each = facts.bytes(input)
  return { elements, bytes: each === undefined ? undefined : each * elements }
}

/** What decides a node's elements, short: a function's name, then parameters. */
export function paramsOf({
  op,
  params,
}: {
  readonly op: string
  readonly params: unknown
}): string {
  const shown = Object.entries(specOf(op).structure(params as never)).filter(
    ([, value]) => value !== null,
  )
  const fn = functionName(params)
  return [
    ...(fn === undefined ? [] : [fn]),
    ...shown.map(([name, value]) => `${name}=${show(value)}`),
  ].join(' ')
}

const show = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

function functionName(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('fn' in params)) return undefined
  const { fn } = params
  return typeof fn === 'function' && fn.name !== '' && fn.name !== 'fn' ? fn.name : undefined
}
