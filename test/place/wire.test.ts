import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pack, unpack } from '../../src/stream/wire.ts'
import { Column, Tensor } from '../../src/tensor/index.ts'

/** Through the copying that a port does. */
function sent(values: readonly unknown[]): readonly unknown[] {
  const { transfer, ...wired } = pack(values)
  return unpack(structuredClone(wired, { transfer: [...transfer] }))
}

/** A view into a bigger buffer, as rows of batches are. */
const bytes = fc
  .tuple(fc.uint8Array({ maxLength: 20 }), fc.nat(5), fc.nat(5))
  .map(([data, before, after]) => {
    const room = new Uint8Array(before + data.length + after)
    room.set(data, before)
    return room.subarray(before, before + data.length)
  })

const leaf = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  bytes,
  bytes.map((view) => Buffer.from(view)),
  bytes.map((view) => Float64Array.from(view)),
  bytes.map((view) => new DataView(view.buffer, view.byteOffset, view.byteLength)),
  bytes.map((view) => new Tensor(view, [1, view.length])),
)

const { value } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, leaf, tie('tuple'), tie('record'), tie('column')),
  tuple: fc.array(tie('value'), { maxLength: 3 }),
  record: fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  column: fc.array(tie('value'), { maxLength: 3 }).map((items) => Column.copy(items)),
}))

test('values arrive as they left, and the originals stay as they were', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 3 }), (values) => {
      const first = sent(values)
      expect(first).toStrictEqual(values)
      expect(sent(values)).toStrictEqual(first)
    }),
  )
})

test('copies of buffers move; what is shared or can grow is left to the port', () => {
  const whole = new Uint8Array(4)
  const shared = new Uint8Array(new SharedArrayBuffer(4))
  const pooled = Buffer.from('pooled')
  const { transfer } = pack([{ whole, shared, deep: [pooled, whole.buffer] }])
  expect(transfer.map(({ byteLength }) => byteLength)).toEqual([4, pooled.length, 4])
  expect(transfer).not.toContain(whole.buffer)
  expect(transfer).not.toContain(pooled.buffer)
})
