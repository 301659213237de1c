import { deserialize, serialize } from 'node:v8'
import { encodeError, type EncodedError } from '../place/error-codec.ts'
import { pack, unpack } from '../stream/wire.ts'

/** Values as they travel between machines; a `Buffer`, a `Tensor` and a `Column` arrive as what they were. */
export interface Wired {
  readonly values: readonly unknown[]
  readonly marked: boolean
}

/** @throws InvalidArgumentError when a value would not arrive as what it is: instances of classes, functions, circles. */
export function wire(values: readonly unknown[]): Wired {
  const { values: packed, marked } = pack(values, 'keep')
  return { values: packed, marked }
}

/** The values that `wire` was given. */
export function unwire(wired: Wired): readonly unknown[] {
  return unpack(wired, true)
}

/** Bytes of a message. Both ends run the same major version of Node, so they read each other's. */
export function encode(message: unknown): Uint8Array {
  return serialize(message)
}

/** The message again. Whoever may write to the broker is trusted with its contents, never with code. */
export function decode<T>(data: Uint8Array): T {
  return deserialize(data) as T
}

/** An error whose fields travel: what V8 does not write is left out. */
export function wireError(error: unknown): EncodedError {
  const encoded = encodeError(error)
  try {
    serialize(encoded)
    return encoded
  } catch {
    return encodeError(
      error instanceof Error ? new Error(`${error.name}: ${error.message}`) : String(error),
    )
  }
}
