/**
 * Does preparing overlap with a consumer that blocks its thread, as a training step does? Wall time over
 * that of the slower side alone, which is the best there is: 1 is perfect overlap.
 */
import { Dataset, threads } from 'millstream'
import { type Benchmark, median, type Options, type Row, rowOf, time } from '../harness.ts'
import { burn, type Item, makeItem, produce } from './overlap-stages.ts'
import { withWorker } from './overlap-worker.ts'

/** Milliseconds of CPU work per item: producer, consumer. */
const ratios = [
  [5, 20],
  [10, 10],
  [20, 5],
] as const

interface Size {
  readonly items: number
  /** Rounds of `burn` per item: producer, consumer. */
  readonly make: number
  readonly use: number
}

/** Takes items in order; blocks. */
class Consumer {
  readonly #rounds: number
  #count = 0
  #sum = 0

  constructor(rounds: number) {
    this.#rounds = rounds
  }

  take({ result, pixels }: Item): void {
    const used = burn(this.#rounds, result + (pixels.at(-1) ?? 0))
    this.#sum = (Math.imul(this.#sum, 31) + used) | 0
    this.#count++
  }

  get check(): string {
    return `${this.#count} items, ${this.#sum >>> 0}`
  }
}

type Subject = (size: Size, consumer: Consumer) => Promise<void>

const subjects: Readonly<Record<string, Subject>> = {
  millstream: async ({ items, make }, consumer) => {
    const prepared = Dataset.range(items)
      .map(produce.with({ rounds: make }).on(threads(1)))
      .prefetch(2)
    for await (const item of prepared) consumer.take(item)
  },
  // What the machine allows at this moment: two threads on two free cores come near to 1.
  'hand-written worker': (size, consumer) => withWorker(size, (item) => consumer.take(item)),
  'sequential loop': async ({ items, make }, consumer) => {
    for (let i = 0; i < items; i++) consumer.take(makeItem(i, make))
  },
  'promise prefetch': async ({ items, make }, consumer) => {
    const prepare = async (i: number): Promise<Item> => {
      await Promise.resolve()
      return makeItem(i, make)
    }
    let next = prepare(0)
    for (let i = 0; i < items; i++) {
      const item = await next
      if (i + 1 < items) next = prepare(i + 1)
      consumer.take(item)
    }
  },
}

export const overlap: Benchmark = {
  summary: 'a producer and a blocking consumer, wall time over that of the slower alone',
  needsPeers: false,
  run: async (options) => {
    const perMs = calibrate()
    const rows: Row[] = []
    for (const [x, y] of options.quick ? ratios.slice(1, 2) : ratios) {
      const scale = options.quick ? perMs / 10 : perMs
      // Four seconds of the slower side, whatever the ratio: a thread's start must not be what is measured.
      const items = options.quick ? 8 : Math.round(4000 / Math.max(x, y))
      const size = { items, make: Math.round(x * scale), use: Math.round(y * scale) }
      rows.push(...(await measure(`producer ${x} ms, consumer ${y} ms`, size, options)))
    }
    return rows
  },
}

/** Rounds of `burn` in a millisecond. */
function calibrate(): number {
  const rounds = 5_000_000
  const figures = Array.from({ length: 7 }, (_, k) => {
    const start = performance.now()
    burn(rounds, k)
    return rounds / (performance.now() - start)
  })
  return median(figures)
}

const rounds = 5

/** All subjects, and either side alone, in turn: what disturbs one run disturbs its neighbours. */
async function measure(name: string, size: Size, { log }: Options): Promise<Row[]> {
  const walls = new Map(Object.keys(subjects).map((subject) => [subject, [] as number[]]))
  const checks = new Map<string, string>()
  const alone = { make: [] as number[], use: [] as number[] }
  await runAll({ ...size, items: 3 }, new Map(), checks)
  for (let k = 0; k < rounds; k++) {
    alone.make.push(await aloneMaking(size))
    alone.use.push(await aloneUsing(size))
    await runAll(size, walls, checks)
  }
  const [x, y] = [median(alone.make), median(alone.use)]
  log(`${name}: alone ${x.toFixed(2)} ms and ${y.toFixed(2)} ms an item`)
  const best = size.items * Math.max(x, y)
  return [...walls].map(([subject, figures]) =>
    rowOf(
      { case: name, subject, unit: 'x max', check: checks.get(subject) ?? '' },
      figures.map((wall) => wall / best),
    ),
  )
}

async function runAll(
  size: Size,
  walls: ReadonlyMap<string, number[]>,
  checks: Map<string, string>,
): Promise<void> {
  for (const [subject, run] of Object.entries(subjects)) {
    const consumer = new Consumer(size.use)
    const wall = await time(() => run(size, consumer))
    walls.get(subject)?.push(wall)
    checks.set(subject, consumer.check)
  }
}

/** Milliseconds an item takes to make, with nothing beside it. */
async function aloneMaking({ items, make }: Size): Promise<number> {
  const count = Math.ceil(items / 4)
  const wall = await time(() => {
    for (let i = 0; i < count; i++) makeItem(i, make)
  })
  return wall / count
}

/** Milliseconds an item takes to use, with nothing beside it. */
async function aloneUsing({ items, use }: Size): Promise<number> {
  const count = Math.ceil(items / 4)
  const consumer = new Consumer(use)
  const item = makeItem(0, 1)
  const wall = await time(() => {
    for (let i = 0; i < count; i++) consumer.take(item)
  })
  return wall / count
}
