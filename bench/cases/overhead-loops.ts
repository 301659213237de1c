/**
 * The pipelines as loops written by hand, functions inlined: the limit. Their batches are what Millstream's
 * are: typed arrays, one for each field.
 */
import { batchSize, type Tally, type Work } from './overhead-work.ts'

export function numbersLoop(n: number, tally: Tally): void {
  let batch = new Float64Array(batchSize)
  let at = 0
  for (let i = 0; i < n; i++) {
    const x = i * 2 + 1
    if (x % 3 === 0) continue
    batch[at++] = x * 0.5
    if (at < batchSize) continue
    tally.add(at, batch[0] ?? 0, batch[at - 1] ?? 0)
    batch = new Float64Array(batchSize)
    at = 0
  }
  if (at > 0) tally.add(at, batch[0] ?? 0, batch[at - 1] ?? 0)
}

export function objectsLoop(n: number, tally: Tally): void {
  let ids = new Float64Array(batchSize)
  let values = new Float64Array(batchSize)
  let at = 0
  const end = (): void => {
    const first = (ids[0] ?? 0) + (values[0] ?? 0)
    tally.add(at, first, (ids[at - 1] ?? 0) + (values[at - 1] ?? 0))
  }
  for (let i = 0; i < n; i++) {
    const x = { id: i, value: i * 2 }
    if (x.id % 3 === 0) continue
    const y = { id: x.id, value: x.value + 1 }
    ids[at] = y.id
    values[at++] = y.value
    if (at < batchSize) continue
    end()
    ids = new Float64Array(batchSize)
    values = new Float64Array(batchSize)
    at = 0
  }
  if (at > 0) end()
}

/** Any other pipeline as a loop, into batches of elements. */
export function loopOver({ first, keep, second }: Work, n: number): void {
  let batch: unknown[] = []
  for (let i = 0; i < n; i++) {
    const x = first(i)
    if (!keep(x)) continue
    batch.push(second(x))
    if (batch.length === batchSize) batch = []
  }
}
