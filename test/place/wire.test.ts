import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buffersIn, pack, unpack, type Handover } from '../../src/stream/wire.ts'
import { Column, Tensor } from '../../src/tensor/index.ts'

/** Through the copying that a port does. */
function sent(values: readonly unknown[], handover: Handover): readonly unknown[] {
  const { transfer, ...wired } = pack(values, handover)
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

test('values arrive as they left, whichever way they travel', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 3 }), (values) => {
      // Copied first: moved values are gone afterwards.
      const copied = sent(values, { how: 'copy' })
      expect(copied).toStrictEqual(values)
      expect(sent(values, { how: 'move', kept: new Set() })).toStrictEqual(copied)
    }),
  )
})

test('copying leaves the originals alone', () => {
  fc.assert(
    fc.property(value, (original) => {
      const first = sent([original], { how: 'copy' })
      expect(sent([original], { how: 'copy' })).toStrictEqual(first)
      expect(first).toStrictEqual([original])
    }),
  )
})

test('whole buffers move; kept, shared and pooled ones do not', () => {
  const [moved, kept] = [new Uint8Array(4), new Uint8Array(4)]
  const shared = new Uint8Array(new SharedArrayBuffer(4))
  const pooled = Buffer.from('pooled')
  const packed = pack([{ moved, kept: { deep: [kept] }, shared, pooled }], {
    how: 'move',
    kept: buffersIn({ state: { weights: kept } }),
  })
  expect(packed.transfer).toContain(moved.buffer)
  expect(packed.transfer).not.toContain(kept.buffer)
  expect(packed.transfer).not.toContain(pooled.buffer)
  expect(packed.transfer).toHaveLength(2)
  expect(packed.transfer[1]?.byteLength).toBe(pooled.length)
})

test('a buffer that occurs twice is moved once', () => {
  const part = new Float32Array([1, 2])
  const [a, b] = sent([{ part }, { part }], { how: 'move', kept: new Set() })
  expect([a, b]).toEqual([{ part: new Float32Array([1, 2]) }, { part: new Float32Array([1, 2]) }])
})
