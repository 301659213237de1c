import { deserialize, serialize } from 'node:v8'
import { pack, unpack } from './wire.ts'

/**
 * Values as bytes that keep them as they are: numbers, texts, bigints, dates, records, tuples, Maps, Sets, typed
 * arrays, buffers, tensors, columns. Later versions of Node read what earlier ones wrote.
 *
 * @throws InvalidArgumentError for what would not come back as it was: instances of classes, functions, circles.
 */
export function toBytes(values: readonly unknown[]): Buffer {
  const { values: packed, marked } = pack(values, 'keep')
  return serialize(marked ? [packed, true] : [packed])
}

/** The values again. Views may share the buffer of `bytes`: it must not change afterwards. */
export function fromBytes(bytes: Uint8Array): readonly unknown[] {
  const [values = [], marked = false] = deserialize(bytes) as readonly [
    (readonly unknown[])?,
    boolean?,
  ]
  return unpack({ values, marked }, true)
}
