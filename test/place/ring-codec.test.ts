import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Receiver } from '../../src/place/ring/receiver.ts'
import { Sender } from '../../src/place/ring/sender.ts'
import { makeRing, Slots } from '../../src/place/ring/slots.ts'
import { Column, Tensor } from '../../src/tensor/index.ts'

/** Through a slot, and what goes beside it through the copying that a port does. */
function sent(values: readonly unknown[], slotBytes = 1 << 20) {
  const ring = makeRing(1, slotBytes)
  const { wired, transfer } = new Sender(ring).pack(values)
  const arrived = structuredClone(wired, { transfer: [...transfer] })
  const received = new Receiver(ring).open(arrived).values
  expect(new Slots(ring).taken).toBe(0)
  return { received, wired }
}

function expectSame(values: readonly unknown[]): void {
  expect(sent(values).received).toStrictEqual(values)
}

const typedArrays = [
  Uint8Array,
  Uint8ClampedArray,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const

type ViewClass = new (buffer: ArrayBuffer, from: number, length: number) => ArrayBufferView

/** Views into bigger buffers, at offsets. */
const view = fc
  .tuple(fc.uint8Array({ maxLength: 24 }), fc.nat(3), fc.constantFrom(...typedArrays, DataView))
  .map(([data, before, type]) => {
    const width = 'BYTES_PER_ELEMENT' in type ? type.BYTES_PER_ELEMENT : 1
    const length = Math.floor(data.length / width)
    const room = new Uint8Array((before + length + 2) * width)
    room.set(data.subarray(0, length * width), before * width)
    return new (type as ViewClass)(room.buffer, before * width, length)
  })

const leaf = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(
    -0,
    NaN,
    Infinity,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    undefined,
    null,
    true,
    false,
  ),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', 'ÿ', 'Ā', ''),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  view,
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => bytes.slice().buffer),
  fc.uint8Array({ minLength: 2, maxLength: 9 }).map((data) => new Tensor(data, [1, data.length])),
)

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'length', '1', '__proto__', 'toString', '"'),
  fc.string(),
)

const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'value' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => Column.copy(items)),
    // These go by structured clone.
    fc.array(tie('value'), { maxLength: 2 }).map((items) => new Set(items)),
    fc.array(fc.tuple(leaf, tie('value')), { maxLength: 2 }).map((items) => new Map(items)),
    fc.sparseArray(leaf, { maxLength: 4, maxNumElements: 2 }),
    fc.constantFrom(/x/g, new Error('no')),
  ),
}))

/** Elements of one kind, as in most pipelines. */
const uniform = fc.array(
  fc.record(
    {
      id: fc.integer(),
      name: fc.string(),
      score: fc.double(),
      tags: fc.array(fc.string(), { maxLength: 3 }),
      point: fc.tuple(fc.double(), fc.integer()),
      photo: fc.uint8Array({ maxLength: 9 }),
    },
    { requiredKeys: ['id', 'name'], noNullPrototype: true },
  ),
  { maxLength: 9 },
)

describe('what travels through a slot arrives as it left', () => {
  test('values of any kind', () => {
    fc.assert(fc.property(fc.array(value, { maxLength: 6 }), expectSame))
  })

  test('elements of one kind', () => {
    fc.assert(fc.property(uniform, expectSame))
  })

  test('as structuredClone makes them, where no class of ours is among them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.anything({
            withDate: true,
            withBigInt: true,
            withMap: true,
            withSet: true,
            withTypedArray: true,
            withSparseArray: true,
            withNullPrototype: true,
          }),
          { maxLength: 6 },
        ),
        (values) => {
          expect(sent(values).received).toStrictEqual(structuredClone(values))
        },
      ),
    )
  })

  test('the originals stay as they were', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (values) => {
        const first = sent(values).received
        expect(sent(values).received).toStrictEqual(first)
      }),
    )
  })
})

test('only what has no place in a slot goes beside it', () => {
  const plain = [{ id: 1, name: 'a' }, { id: 2 }, [1, 2], 'text', 5n, new Date(0), Buffer.from('x')]
  expect(sent(plain).wired.values).toEqual([])
  const map = new Map([[1, 2]])
  const { wired, received } = sent([
    { id: 1, map },
    { id: 2, map },
  ])
  expect(wired.values).toEqual([map, map])
  expect(received).toEqual([
    { id: 1, map },
    { id: 2, map },
  ])
})

test('a value that holds itself arrives so', () => {
  const circle: { name: string; self?: unknown } = { name: 'round' }
  circle.self = circle
  const [received] = sent([circle]).received as [{ name: string; self: { self: unknown } }]
  expect(received.name).toBe('round')
  let inner: unknown = received
  for (let k = 0; k < 12; k++) inner = (inner as { self: unknown }).self
  expect((inner as { self: unknown }).self).toBe(inner)
})

test('a tree whose nodes know their parents goes beside a slot that its paths would fill', () => {
  interface Node {
    readonly parent: Node | undefined
    readonly children: Node[]
  }
  const root: Node = { parent: undefined, children: [] }
  for (let k = 0; k < 40; k++) root.children.push({ parent: root, children: [] })
  const { wired, received } = sent([root], 1 << 16)
  expect(wired.slot).toBeUndefined()
  const [arrived] = received as [Node]
  expect(arrived.children[39]?.parent?.children).toHaveLength(40)
})

test('values that do not fit go beside the slot, whole', () => {
  const values = [1, { text: 'x'.repeat(100) }, new Float64Array(1000)]
  const { wired, received } = sent(values, 4096)
  expect(wired).toMatchObject({ slot: undefined, filled: 2 })
  expect(received).toStrictEqual(values)
})

test('shared memory stays shared, and memory that was given away is refused', () => {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const [received] = sent([shared]).received as [Int32Array]
  received[0] = 7
  expect(shared[0]).toBe(7)
  const gone = new Uint8Array(4)
  structuredClone(gone, { transfer: [gone.buffer] })
  expect(() => sent([gone])).toThrow(/detached/)
})
