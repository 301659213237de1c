/** What must hold of shuffles and sampled merges, whose order is not the peer's. */
import type { Dataset } from '../../src/index.ts'
import { failed, type Outcome, passed } from './outcome.ts'
import { agrees, encode } from './values.ts'

/** The output is chunk after chunk, each in any order. */
export interface Shuffle {
  readonly chunks: readonly (readonly unknown[])[]
  readonly bufferSize?: number
  readonly order?: readonly unknown[]
  readonly sameEachIteration?: boolean
  readonly sameAcrossBuilds?: boolean
  readonly cardinality?: number | 'INFINITE' | 'UNKNOWN'
}

/** The output merges the datasets, each in its order. */
export interface Sample {
  readonly datasets: readonly (readonly unknown[])[]
  readonly complete: boolean
  readonly order?: readonly unknown[]
}

export async function checkShuffle(want: Shuffle, build: () => Dataset<unknown>): Promise<Outcome> {
  const ds = build()
  const got = await encoded(ds)
  const again = await encoded(ds)
  for (const run of [got, again]) {
    const broken = chunksBroken(want, run) ?? bufferBroken(want, run)
    if (broken !== undefined) return failed(broken, run)
    if (want.order !== undefined && !agrees(want.order, run)) return failed(want.order, run)
  }
  if (want.sameEachIteration !== undefined && agrees(got, again) !== want.sameEachIteration) {
    return failed(`each iteration the same: ${want.sameEachIteration}`, [got, again])
  }
  if (want.sameAcrossBuilds === true) {
    const other = await encoded(build())
    if (!agrees(got, other)) return failed('the same when built again', [got, other])
  }
  return checkCardinality(want, ds.cardinality(), got.length)
}

function checkCardinality(
  { cardinality }: Shuffle,
  known: number | undefined,
  count: number,
): Outcome {
  const fits = known === undefined ? typeof cardinality !== 'number' : known === count
  return fits ? passed : failed(`cardinality ${cardinality}`, `cardinality ${known}`)
}

function chunksBroken({ chunks }: Shuffle, got: readonly unknown[]): string | undefined {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (got.length !== total) return `${total} elements`
  let at = 0
  for (const chunk of chunks) {
    const part = got.slice(at, at + chunk.length)
    if (!agrees(inOrder(chunk), inOrder(part))) {
      return `from place ${at} on, in any order: ${JSON.stringify(chunk)}`
    }
    at += chunk.length
  }
  return undefined
}

const inOrder = (items: readonly unknown[]): readonly unknown[] =>
  items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))

const keyOf = (x: unknown): string => JSON.stringify(x)

/** A buffer of b cannot bring an element forward by more than b - 1 places. */
function bufferBroken(want: Shuffle, got: readonly unknown[]): string | undefined {
  const { bufferSize, chunks } = want
  if (bufferSize === undefined) return undefined
  const [first = []] = chunks
  const early = got.findIndex(
    (x, place) => first.findIndex((y) => agrees(y, x)) > place + bufferSize - 1,
  )
  return early === -1 ? undefined : `a later place than ${early} for ${keyOf(got[early])}`
}

export async function checkSample(want: Sample, ds: Dataset<unknown>): Promise<Outcome> {
  for (let times = 0; times < 2; times++) {
    const got = await encoded(ds)
    const broken = mergeBroken(want, got)
    if (broken !== undefined) return failed(broken, got)
  }
  return passed
}

function mergeBroken(
  { datasets, complete, order }: Sample,
  got: readonly unknown[],
): string | undefined {
  if (order !== undefined && !agrees(order, got)) return JSON.stringify(order)
  // Values are distinct, so each tells its dataset.
  const rest = datasets.map((d) => [...d])
  for (const x of got) {
    const from = rest.find((d) => d.length > 0 && agrees(d[0], x))
    if (from === undefined) return `each dataset's order kept, at ${keyOf(x)}`
    from.shift()
  }
  if (complete) return rest.every((d) => d.length === 0) ? undefined : 'all elements'
  return rest.some((d) => d.length === 0) ? undefined : 'one dataset used up at the end'
}

async function encoded(ds: Dataset<unknown>): Promise<unknown[]> {
  return (await ds.toArray()).map(encode)
}
