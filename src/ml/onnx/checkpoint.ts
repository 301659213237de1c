/** A training state as bytes: a line of JSON that says what it is of, then the raw tensors. */

import { CheckpointMismatchError, DataError } from '../../errors/index.ts'
import type { ModelSpec } from '../trainer.ts'
import { sizeOf } from './graph.ts'

const VERSION = 1

interface Header {
  readonly millstream: 'training checkpoint'
  readonly version: number
  readonly step: number
  readonly model: unknown
  /** In the order of the data, which is float32, little-endian. */
  readonly tensors: readonly { readonly name: string; readonly size: number }[]
}

export function encodeCheckpoint(
  spec: ModelSpec,
  step: number,
  tensors: ReadonlyMap<string, Float32Array>,
): Uint8Array<ArrayBuffer> {
  const header: Header = {
    millstream: 'training checkpoint',
    version: VERSION,
    step,
    model: identityOf(spec),
    tensors: [...tensors].map(([name, values]) => ({ name, size: values.length })),
  }
  const text = new TextEncoder().encode(`${JSON.stringify(header)}\n`)
  const data = header.tensors.reduce((sum, { size }) => sum + 4 * size, 0)
  const out = new Uint8Array(text.length + data)
  out.set(text)
  let at = text.length
  for (const values of tensors.values()) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    at += values.byteLength
  }
  return out
}

/**
 * @throws DataError when the bytes are not a whole checkpoint, CheckpointMismatchError when it is of another
 * model or a newer format.
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  spec: ModelSpec,
  shapes: ReadonlyMap<string, readonly number[]>,
): { step: number; tensors: Map<string, Float32Array> } {
  const { header, start } = readHeader(bytes)
  if (header.version !== VERSION)
    throw new CheckpointMismatchError(
      `The checkpoint has format ${header.version}; this version of Millstream reads ${VERSION}.`,
    )
  const difference = firstDifference(header.model, identityOf(spec), '')
  if (difference !== undefined)
    throw new CheckpointMismatchError(`The checkpoint is of another model: ${difference}.`)
  const tensors = new Map<string, Float32Array>()
  let at = start
  for (const { name, size } of header.tensors) {
    if (sizeOf(shapes.get(name) ?? []) !== size)
      throw new DataError(`The checkpoint holds ${size} numbers for ${name}.`)
    tensors.set(name, new Float32Array(bytes.slice(at, at + 4 * size).buffer))
    at += 4 * size
  }
  if (at !== bytes.length || tensors.size !== shapes.size)
    throw new DataError('The checkpoint is cut short or has bytes at its end.')
  return { step: header.step, tensors }
}

function readHeader(bytes: Uint8Array): { header: Header; start: number } {
  const start = bytes.indexOf(10) + 1
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, start))) as Header
    if (header.millstream === 'training checkpoint') return { header, start }
  } catch (error) {
    throw new DataError('These bytes are not a training checkpoint.', { cause: error })
  }
  throw new DataError('These bytes are not a training checkpoint.')
}

/** What must be equal to go on exactly; where it runs and how weights began may differ. */
function identityOf({ input, layers, classes, batch, optimizer }: ModelSpec): unknown {
  return JSON.parse(JSON.stringify({ input, layers, classes, batch, optimizer }))
}

function firstDifference(there: unknown, here: unknown, path: string): string | undefined {
  if (there === here) return undefined
  if (!isObject(there) || !isObject(here))
    return `${path} is ${JSON.stringify(there)} there and ${JSON.stringify(here)} here`
  for (const key of new Set([...Object.keys(there), ...Object.keys(here)])) {
    const inner = firstDifference(there[key], here[key], path === '' ? key : `${path}.${key}`)
    if (inner !== undefined) return inner
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
