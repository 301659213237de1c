/** Elements as lines of JSON, with what JSON has no word for. */

/** How much of an array to show; the rest is counted. For people, not for programs. */
export interface JsonOptions {
  /** Default: all. */
  readonly shown?: number
}

/**
 * One element as one line, without the line feed. Typed arrays become arrays of numbers, tensors arrays of
 * arrays, maps and sets arrays; NaN, infinities and big integers become text.
 *
 * @throws TypeError when the element refers to itself.
 */
export function jsonLine(value: unknown, options: JsonOptions = {}): string {
  return JSON.stringify(plain(value, options.shown ?? Infinity, []) ?? null)
}

function plain(value: unknown, shown: number, above: readonly object[]): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  if (typeof value === 'function') return `[function ${value.name}]`
  if (typeof value !== 'object' || value === null) return value
  if (above.includes(value)) throw new TypeError('an element that refers to itself has no JSON')
  return plainObject(value, shown, [...above, value])
}

function plainObject(value: object, shown: number, above: readonly object[]): unknown {
  const each = (item: unknown): unknown => plain(item, shown, above)
  if (ArrayBuffer.isView(value)) return numbers(value, shown)
  if (value instanceof ArrayBuffer) return numbers(new Uint8Array(value), shown)
  if (value instanceof Map || value instanceof Set) return some([...value], shown).map(each)
  if (Array.isArray(value)) return some(value, shown).map((item) => each(item) ?? null)
  if (value instanceof Error) return { error: value.name, message: value.message }
  if (saysItsJson(value)) return each(value.toJSON())
  if (isTensor(value)) return nested(value.data, value.shape, 0, 0, shown)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, each(member)]))
}

function saysItsJson(value: object): value is { toJSON(): unknown } {
  return 'toJSON' in value && typeof value.toJSON === 'function'
}

function numbers(view: ArrayBufferView, shown: number): unknown[] {
  const array = view instanceof DataView ? bytesOf(view) : (view as unknown as Indexed)
  const length = Math.min(array.length, shown)
  const head = Array.from({ length }, (_, i) => scalar(array, i))
  return withRest(head, array.length - length)
}

type Indexed = ArrayLike<number | bigint>

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function scalar(array: Indexed, i: number): unknown {
  const x = array[i]
  return plain(typeof x === 'number' && array instanceof Float32Array ? shortest(x) : x, 0, [])
}

/** The shortest decimal that is this number in 32 bits: 0.1, not 0.10000000149011612. */
function shortest(x: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits))
    if (Math.fround(short) === x) return short
  }
  return x
}

interface TensorLike {
  readonly data: Indexed
  readonly shape: readonly number[]
}

function isTensor(value: object): value is TensorLike {
  return (
    value.constructor.name === 'Tensor' &&
    'data' in value &&
    ArrayBuffer.isView(value.data) &&
    'shape' in value &&
    Array.isArray(value.shape)
  )
}

function nested(
  data: Indexed,
  shape: readonly number[],
  axis: number,
  at: number,
  shown: number,
): unknown {
  const size = shape[axis]
  if (size === undefined) return scalar(data, at)
  const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const length = Math.min(size, shown)
  const rows = Array.from({ length }, (_, i) =>
    nested(data, shape, axis + 1, at + i * stride, shown),
  )
  return withRest(rows, size - length)
}

function some(items: readonly unknown[], shown: number): unknown[] {
  const head = items.slice(0, Math.min(items.length, shown))
  return withRest(head, items.length - head.length)
}

function withRest(head: unknown[], rest: number): unknown[] {
  return rest > 0 ? [...head, `... ${rest} more`] : head
}
