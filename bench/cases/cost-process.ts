/**
 * One process of `cost`: runs a case by all variants in turn, some rounds, and sends the median CPU nanoseconds an
 * element of each, and of the ratio to the others of the same round: what else the machine does changes from round to
 * round. Variants take turns in being first.
 */
import { type Library, importVariants } from './cost-copies.ts'
import { median } from '../harness.ts'

/** What a process is asked to do. */
export interface Setting {
  readonly name: string
  readonly folder: string
  readonly quick: boolean
}

export interface Result {
  /** By variant. */
  readonly ns: Readonly<Record<string, number>>
  /** The library's time over that of a variant. */
  readonly ratios: Readonly<Record<string, number>>
  readonly check: string
}

interface Case {
  readonly size: number
  readonly run: (library: Library, n: number) => AsyncIterable<Float64Array>
}

export const cases: Readonly<Record<string, Case>> = {
  'one loop': {
    size: 3_000_000,
    run: ({ Dataset }, n) =>
      Dataset.range(n)
        .map((x) => x + 1)
        .filter((x) => x % 3 > 0)
        .map((x) => x * 2)
        .batch(256)
        .iterate({ epoch: 0 }),
  },
  'shuffle(1000)': {
    size: 600_000,
    run: ({ Dataset }, n) =>
      Dataset.range(n)
        .map((x) => x + 1)
        .shuffle(1000)
        .filter((x) => x % 3 > 0)
        .batch(256)
        .prefetch(2)
        .iterate({ epoch: 0 }),
  },
  'async map': {
    size: 200_000,
    run: ({ Dataset }, n) =>
      Dataset.range(n)
        .map(async (x) => x + 1)
        .batch(256)
        .iterate({ epoch: 0 }),
  },
}

const rounds = 15
const warmUps = 5

/** Reads all batches; a hash of them shows that all did the same work. */
async function eat(batches: AsyncIterable<Float64Array>): Promise<string> {
  let [elements, hash] = [0, 0]
  for await (const batch of batches) {
    elements += batch.length
    hash = (hash * 31 + (batch[0] ?? 0) + (batch.at(-1) ?? 0)) % 1_000_000_007
  }
  return `${elements} elements, ${hash}`
}

async function measure({ name, folder, quick }: Setting): Promise<Result> {
  const one = cases[name]
  if (one === undefined) throw new Error(`bench cost has no case ${name}`)
  const { size, run } = one
  const n = quick ? size / 500 : size
  const libraries = [...(await importVariants(folder))]
  const times = new Map<string, number[]>(libraries.map(([variant]) => [variant, []]))
  let check = ''
  for (let round = 0; round < rounds + warmUps; round++) {
    for (let k = 0; k < libraries.length; k++) {
      const [variant, library] = libraries[(round + k) % libraries.length] ?? []
      if (variant === undefined || library === undefined) continue
      const before = process.cpuUsage()
      const found = await eat(run(library, n))
      const { user, system } = process.cpuUsage(before)
      check ||= found
      if (found !== check) throw new Error(`${variant} made ${found}, not ${check}`)
      if (round >= warmUps) times.get(variant)?.push(((user + system) * 1000) / n)
    }
  }
  const own = times.get('millstream') ?? []
  const byVariant = (figure: (figures: readonly number[]) => number): Record<string, number> =>
    Object.fromEntries([...times].map(([variant, figures]) => [variant, figure(figures)]))
  return {
    ns: byVariant(median),
    ratios: byVariant((figures) => median(figures.map((ns, k) => (own[k] ?? Number.NaN) / ns))),
    check,
  }
}

const [, , setting] = process.argv
if (setting !== undefined && process.send !== undefined) {
  process.send(await measure(JSON.parse(setting) as Setting))
  process.disconnect()
}
