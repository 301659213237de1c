/** Protocol buffers, as much as ONNX needs: varints, 32-bit floats, bytes, and packed lists. */

const text = new TextEncoder()

/** Writes one message, field by field; `finish` returns its bytes. */
export class ProtoWriter {
  readonly #parts: Uint8Array[] = []
  #length = 0

  /** A whole number, also a negative one. */
  int(field: number, value: number | bigint): this {
    return this.#push(varint(BigInt(field << 3)), varint(BigInt.asUintN(64, BigInt(value))))
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    return this.#push(varint(BigInt((field << 3) | 5)), bytes)
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#push(varint(BigInt((field << 3) | 2)), varint(BigInt(value.length)), value)
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value))
  }

  message(field: number, value: ProtoWriter): this {
    return this.bytes(field, value.finish())
  }

  /** A repeated whole number in one length-delimited field. */
  packed(field: number, values: readonly number[]): this {
    const parts = values.map((value) => varint(BigInt.asUintN(64, BigInt(value))))
    return this.bytes(field, join(parts))
  }

  finish(): Uint8Array {
    return join(this.#parts, this.#length)
  }

  #push(...parts: readonly Uint8Array[]): this {
    for (const part of parts) {
      this.#parts.push(part)
      this.#length += part.length
    }
    return this
  }
}

/** One field of a message: length-delimited ones carry bytes, varints a number. */
export interface ProtoField {
  readonly field: number
  readonly value: Uint8Array | bigint
}

/**
 * Yields the fields of a message without reading nested ones.
 *
 * @throws RangeError when the bytes end inside a field or hold an unknown wire type.
 */
export function* protoFields(bytes: Uint8Array): Generator<ProtoField> {
  let at = 0
  const number = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('the message ends inside a number')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a number is longer than 64 bits')
  }
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('the message ends inside a field')
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(number())
    const wire = tag & 7
    if (wire === 0) yield { field: tag >>> 3, value: number() }
    else if (wire === 1) yield { field: tag >>> 3, value: take(8) }
    else if (wire === 2) yield { field: tag >>> 3, value: take(Number(number())) }
    else if (wire === 5) yield { field: tag >>> 3, value: take(4) }
    else throw new RangeError(`unknown wire type ${wire}`)
  }
}

function varint(value: bigint): Uint8Array {
  const out: number[] = []
  let rest = value
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  out.push(Number(rest))
  return Uint8Array.from(out)
}

function join(parts: readonly Uint8Array[], length?: number): Uint8Array {
  const out = new Uint8Array(length ?? parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
