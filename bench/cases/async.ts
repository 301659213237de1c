/**
 * Calls that wait, 16 at once: how near a stage comes to what 16 lanes could do at best, what a call costs that
 * has nothing to wait for, and what elements cost on their way out of the engine.
 */
import { Dataset } from 'millstream'
import {
  type Benchmark,
  CheckMismatch,
  cpuTime,
  type Options,
  type Row,
  rowOf,
  time,
} from '../harness.ts'
import { type AsyncSubject, asyncSubjects, type Call, lanes } from './async-subjects.ts'

const rounds = 5
const warmUps = 2
/** Of runs that take less than a tenth of a second: V8 is done with them after some, and their times scatter. */
const shortRounds = 9
const shortWarmUps = 6

export const async: Benchmark = {
  summary:
    'calls that wait 1-8 ms, 16 at once, beside the ideal; promises resolved already; ways out',
  needsPeers: true,
  run: async (options) => {
    const subjects = await asyncSubjects()
    return [
      ...(await jittered(subjects, options)),
      ...(await resolved(subjects, options)),
      ...(await leaving(options)),
    ]
  },
}

/** What came out: count and sum; and, where it is promised, in which order. */
class Results {
  #count = 0
  #sum = 0
  #last = -1
  #sorted = true

  readonly eat = (value: number): void => {
    this.#count++
    this.#sum += value
    this.#sorted &&= value > this.#last
    this.#last = value
  }

  checkOf({ name, ordered }: Pick<AsyncSubject, 'name' | 'ordered'>): string {
    if (ordered && !this.#sorted) throw new CheckMismatch(`${name} did not keep the order`)
    return `${this.#count} results, sum ${this.#sum}`
  }
}

async function jittered(
  subjects: readonly AsyncSubject[],
  { quick, log }: Options,
): Promise<Row[]> {
  const n = quick ? 60 : 3000
  const delays = delaysOf(n)
  const asked = new Map<AsyncSubject, number[]>()
  const real = new Map<AsyncSubject, number[]>()
  let check = ''
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      log(`1-8 ms, round ${round + 1} of ${rounds}: ${subject.name}`)
      const { ms, took, result } = await waitFor(subject, delays)
      check ||= result
      if (result !== check) throw new CheckMismatch(`${subject.name}: ${result}, not ${check}`)
      add(asked, subject, ideal(delays) / ms)
      add(real, subject, ideal(took) / ms)
    }
  }
  const rows = (name: string, figures: Map<AsyncSubject, number[]>): Row[] =>
    subjects.map((subject) => {
      const what = { case: name, subject: subject.name, unit: 'of ideal', check }
      return rowOf(what, figures.get(subject) ?? [])
    })
  return [
    ...rows('waits of 1-8 ms, as long as timers took', real),
    ...rows('waits of 1-8 ms, as long as asked for', asked),
  ]
}

async function waitFor(
  subject: AsyncSubject,
  delays: readonly number[],
): Promise<{ readonly ms: number; readonly took: readonly number[]; readonly result: string }> {
  const took = new Array<number>(delays.length).fill(0)
  const results = new Results()
  const call: Call = (i) =>
    new Promise((resolve) => {
      const start = performance.now()
      setTimeout(() => {
        took[i] = performance.now() - start
        resolve(i)
      }, delays[i])
    })
  const ms = await time(() => subject.run(delays.length, call, results.eat))
  return { ms, took, result: results.checkOf(subject) }
}

/** Whole milliseconds from 1 to 8: the same in every run (MINSTD, Park and Miller 1988). */
function delaysOf(n: number): readonly number[] {
  let state = 1
  return Array.from({ length: n }, () => {
    state = (state * 48_271) % 0x7fffffff
    return 1 + (state % 8)
  })
}

/** Milliseconds that `lanes` lanes take, each taking the next wait as soon as it is free (list scheduling). */
function ideal(waits: readonly number[]): number {
  const free = new Array<number>(lanes).fill(0)
  for (const wait of waits) {
    const lane = free.indexOf(Math.min(...free))
    free[lane] = (free[lane] ?? 0) + wait
  }
  return Math.max(...free)
}

async function resolved(
  subjects: readonly AsyncSubject[],
  { quick, log }: Options,
): Promise<Row[]> {
  const call: Call = async (i) => i
  const figures = new Map<AsyncSubject, number[]>()
  const checks = new Map<AsyncSubject, string>()
  for (const subject of subjects) {
    const results = new Results()
    await subject.run(5000, call, results.eat)
    checks.set(subject, results.checkOf(subject))
  }
  for (let round = 0; round < shortWarmUps + shortRounds; round++) {
    log(`resolved already, round ${round + 1} of ${shortWarmUps + shortRounds}`)
    for (const subject of subjects) {
      const n = quick ? 500 : subject.size
      const results = new Results()
      const ms = await cpuTime(() => subject.run(n, call, results.eat))
      if (round >= shortWarmUps) add(figures, subject, (ms * 1e6) / n)
    }
  }
  return subjects.map((subject) => {
    const check = checks.get(subject) ?? ''
    const what = { case: 'resolved already', subject: subject.name, unit: 'CPU ns/element', check }
    return rowOf(what, figures.get(subject) ?? [])
  })
}

/** A way out: what it costs is its time less that of the same loop of which nothing comes out. */
interface Way {
  readonly name: string
  readonly read: (ds: Dataset<number>, eat: (value: number) => void) => Promise<void>
}

const ways: readonly Way[] = [
  {
    name: 'for await',
    read: async (ds, eat) => {
      for await (const x of ds) eat(x)
    },
  },
  {
    name: 'chunks()',
    read: async (ds, eat) => {
      for await (const chunk of ds.iterate().chunks()) for (const x of chunk) eat(x)
    },
  },
  {
    name: 'an async generator over chunks()',
    read: async (ds, eat) => {
      for await (const x of oneByOne(ds)) eat(x)
    },
  },
]

async function* oneByOne(ds: Dataset<number>): AsyncGenerator<number> {
  for await (const chunk of ds.iterate().chunks()) yield* chunk
}

async function leaving({ quick, log }: Options): Promise<Row[]> {
  const n = quick ? 20_000 : 2_000_000
  const all = Dataset.range(n)
    .map((x) => x + 1)
    .filter((x) => x > 0)
  const none = Dataset.range(n)
    .map((x) => x + 1)
    .filter((x) => x < 0)
  const figures = new Map<Way, number[]>()
  const checks = new Map<Way, string>()
  for (let round = 0; round < warmUps + rounds; round++) {
    log(`ways out, round ${round + 1} of ${warmUps + rounds}`)
    for (const way of ways) {
      const own = await cpuTime(() => way.read(none, () => undefined))
      const results = new Results()
      const ms = await cpuTime(() => way.read(all, results.eat))
      checks.set(way, results.checkOf({ name: way.name, ordered: true }))
      if (round >= warmUps) add(figures, way, (Math.max(ms - own, 0) * 1e6) / n)
    }
  }
  return ways.map((way) => {
    const what = { case: 'leaving the engine', subject: way.name, unit: 'CPU ns/element' }
    return rowOf({ ...what, check: checks.get(way) ?? '' }, figures.get(way) ?? [])
  })
}

function add<K>(figures: Map<K, number[]>, key: K, figure: number): void {
  const known = figures.get(key)
  if (known === undefined) figures.set(key, [figure])
  else known.push(figure)
}
