/**
 * What an element costs on its way through range -> map -> filter -> map -> batch(256), over numbers and
 * small objects; alone in the process (clean), and after eight other pipelines ran in it (mega), when
 * call sites inside an engine have seen many kinds of functions and elements.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import {
  answerOf,
  type Benchmark,
  CheckMismatch,
  type Options,
  type Row,
  rowOf,
} from '../harness.ts'
import { numbersLoop, objectsLoop } from './overhead-loops.ts'
import type { Result, Setting } from './overhead-process.ts'
import { type Shape, Tally } from './overhead-work.ts'

const names = ['millstream', 'plain loop', 'effect', 'rxjs', 'async generators', 'tfjs-data']

/** Elements of the run whose result is compared between subjects. */
const checkSize = 20_011
const rounds = 7
const warmUps = 2

export const overhead: Benchmark = {
  summary: 'range -> map -> filter -> map -> batch(256), per source element, against peers',
  needsPeers: true,
  run: async (options) => {
    const rows: Row[] = []
    for (const shape of ['numbers', 'objects'] as const) {
      for (const mega of [false, true]) rows.push(...(await measure(shape, mega, options)))
    }
    return rows
  },
}

/** Each subject in a process of its own, run in turn. */
async function measure(shape: Shape, mega: boolean, options: Options): Promise<Row[]> {
  const name = `${shape} ${mega ? 'mega' : 'clean'}`
  options.log(name)
  const all = await Promise.all(names.map((subject) => Subject.start({ subject, shape, mega })))
  try {
    for (const subject of all) await subject.check()
    for (let k = 0; k < warmUps + rounds; k++) {
      for (const subject of all) await subject.measure(options.quick ? 50 : 1, k >= warmUps)
    }
    return all.map((subject) => subject.row(name))
  } finally {
    for (const subject of all) subject.stop()
  }
}

class Subject {
  readonly #child: ChildProcess
  readonly #setting: Setting
  readonly #size: number
  readonly #figures: number[] = []
  #check = ''

  static async start(setting: Setting): Promise<Subject> {
    const path = fileURLToPath(new URL('./overhead-process.ts', import.meta.url))
    const child = fork(path, [JSON.stringify(setting)])
    return new Subject(child, setting, await answerOf<number>(child, setting.subject))
  }

  private constructor(child: ChildProcess, setting: Setting, size: number) {
    this.#child = child
    this.#setting = setting
    this.#size = size
  }

  async check(): Promise<void> {
    this.#check = (await this.#run(checkSize)).check
  }

  async measure(part: number, counts: boolean): Promise<void> {
    const { ns } = await this.#run(Math.ceil(this.#size / part))
    if (counts) this.#figures.push(ns)
  }

  async #run(n: number): Promise<Result> {
    const { subject, shape } = this.#setting
    const answer = answerOf<Result>(this.#child, subject)
    this.#child.send(n)
    const result = await answer
    const expected = expectedOf(shape, n)
    if (result.check === expected) return result
    throw new CheckMismatch(`${subject}, ${shape}: expected ${expected}, got ${result.check}`)
  }

  row(name: string): Row {
    const { subject } = this.#setting
    const what = { case: name, subject, unit: 'ns/element', check: this.#check }
    return rowOf(what, this.#figures)
  }

  stop(): void {
    this.#child.kill()
  }
}

const known = new Map<string, string>()

/** What a loop makes of so many elements. */
function expectedOf(shape: Shape, n: number): string {
  const key = `${shape} ${n}`
  const before = known.get(key)
  if (before !== undefined) return before
  const tally = new Tally()
  if (shape === 'numbers') numbersLoop(n, tally)
  else objectsLoop(n, tally)
  known.set(key, tally.check)
  return tally.check
}
