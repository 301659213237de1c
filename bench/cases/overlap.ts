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
  [2.5, 10],
  [10, 10],
  [10, 2.5],
] as const

/** So many that the start of a thread is not what is measured. */
const manyItems = 1000
/** Of subjects that do one thing after the other, which costs each item the same. */
const fewItems = 250

interface Size {
  readonly items: number
  /** Rounds of `burn` per item: producer, consumer. */
  readonly make: number
  readonly use: number
}

/** Takes items in order; blocks. */
class Consumer {
  readonly #rounds: number
  readonly #checkAt: number
  #count = 0
  #sum = 0
  check = ''

  /** What it has made of the first `checkAt` items is its check. */
  constructor(rounds: number, checkAt: number) {
    this.#rounds = rounds
    this.#checkAt = checkAt
  }

  take({ result, pixels }: Item): void {
    const used = burn(this.#rounds, result + (pixels.at(-1) ?? 0))
    this.#sum = (Math.imul(this.#sum, 31) + used) | 0
    if (++this.#count === this.#checkAt) this.check = `${this.#count} items, ${this.#sum >>> 0}`
  }
}

interface Subject {
  readonly overlaps: boolean
  readonly run: (size: Size, consumer: Consumer) => Promise<void>
}

const millstream: Subject['run'] = async ({ items, make }, consumer) => {
  const prepared = Dataset.range(items)
    .map(produce.with({ rounds: make }).on(threads(1)))
    .prefetch(2)
  for await (const item of prepared) consumer.take(item)
}

const loop: Subject['run'] = async ({ items, make }, consumer) => {
  for (let i = 0; i < items; i++) consumer.take(makeItem(i, make))
}

const promisePrefetch: Subject['run'] = async ({ items, make }, consumer) => {
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
}

const subjects: Readonly<Record<string, Subject>> = {
  millstream: { overlaps: true, run: millstream },
  // What the machine allows at this moment: two threads on two free cores come near to 1.
  'hand-written worker': {
    overlaps: true,
    run: (size, consumer) => withWorker(size, (item) => consumer.take(item)),
  },
  'sequential loop': { overlaps: false, run: loop },
  'promise prefetch': { overlaps: false, run: promisePrefetch },
}

export const overlap: Benchmark = {
  summary: 'a producer and a blocking consumer, wall time over that of the slower alone',
  needsPeers: false,
  run: async (options) => {
    const perMs = calibrate()
    const rows: Row[] = []
    for (const [x, y] of options.quick ? ratios.slice(1, 2) : ratios) {
      const scale = options.quick ? perMs / 10 : perMs
      const size = {
        items: options.quick ? 8 : manyItems,
        make: Math.round(x * scale),
        use: Math.round(y * scale),
      }
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
  return [...walls].map(([subject, figures]) =>
    rowOf(
      { case: name, subject, unit: 'x max', check: checks.get(subject) ?? '' },
      figures.map((wall) => wall / Math.max(x, y)),
    ),
  )
}

/** Adds milliseconds an item, of all subjects. */
async function runAll(
  size: Size,
  walls: ReadonlyMap<string, number[]>,
  checks: Map<string, string>,
): Promise<void> {
  const checkAt = Math.min(size.items, fewItems)
  for (const [subject, { overlaps, run }] of Object.entries(subjects)) {
    const own = overlaps ? size : { ...size, items: checkAt }
    const consumer = new Consumer(size.use, checkAt)
    const wall = await time(() => run(own, consumer))
    walls.get(subject)?.push(wall / own.items)
    checks.set(subject, consumer.check)
  }
}

/** Milliseconds an item takes to make, with nothing beside it. */
async function aloneMaking({ items, make }: Size): Promise<number> {
  const count = Math.ceil(items / 10)
  const wall = await time(() => {
    for (let i = 0; i < count; i++) makeItem(i, make)
  })
  return wall / count
}

/** Milliseconds an item takes to use, with nothing beside it. */
async function aloneUsing({ items, use }: Size): Promise<number> {
  const count = Math.ceil(items / 10)
  const consumer = new Consumer(use, count)
  const item = makeItem(0, 1)
  const wall = await time(() => {
    for (let i = 0; i < count; i++) consumer.take(item)
  })
  return wall / count
}
