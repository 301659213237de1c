import { Dataset } from 'millstream'
import { expect, test } from 'vitest'

const MiB = 2 ** 20

interface Photo {
  readonly id: number
  readonly pixels: Uint8Array
}

/** Bytes that exist between two functions at most. */
class Held {
  bytes = 0
  most = 0

  make(id: number, size: number): Photo {
    this.bytes += size
    this.most = Math.max(this.most, this.bytes)
    return { id, pixels: new Uint8Array(size) }
  }

  drop({ pixels }: Photo): void {
    this.bytes -= pixels.byteLength
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Quickly made, slowly taken: everything between fills up. */
async function fill(sizeOf: (id: number) => number, ramBudget: number, count = 300): Promise<Held> {
  const held = new Held()
  const photos = Dataset.range(count)
    .map(async (id) => {
      await turn()
      return held.make(id, sizeOf(id))
    })
    .prefetch()
  let next = 0
  for await (const photo of photos.iterate({ autotune: { ramBudget } })) {
    expect(photo.id).toBe(next++)
    held.drop(photo)
    await turn()
    await turn()
  }
  expect(next).toBe(count)
  expect(held.bytes).toBe(0)
  return held
}

/** One in a call, one in the reader's hand, one that waits and one that is on its way to it. */
const LEAST = 4

test.each([
  ['of one size', () => MiB / 8],
  ['that grow', (id: number) => Math.floor((MiB / 64) * (1 + id / 20))],
  ['of which some are large', (id: number) => (id % 10 === 0 ? MiB / 4 : MiB / 16)],
])('elements %s stay within the budget', async (_, sizeOf) => {
  const held = await fill(sizeOf, 8 * MiB)
  expect(held.most).toBeLessThanOrEqual(8 * MiB)
})

test('elements that are larger than the budget go one by one', async () => {
  const held = await fill(() => MiB / 2, MiB / 8, 60)
  expect(held.most).toBeLessThanOrEqual((LEAST * MiB) / 2)
  const tiny = await fill(() => 8, 1, 60)
  expect(tiny.most).toBeLessThanOrEqual(LEAST * 8)
})

test('a budget that is none is refused', () => {
  expect(() => Dataset.range(3).iterate({ autotune: { ramBudget: 0.5 } })).toThrow(/ramBudget/)
})
