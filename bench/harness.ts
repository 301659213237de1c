/** What all benchmarks share: rows, medians, checks, processes, the machine, how results are printed. */
import type { ChildProcess } from 'node:child_process'
import { availableParallelism, cpus, loadavg, release, totalmem, type as osType } from 'node:os'

/** One subject in one case. */
export interface Row {
  readonly case: string
  /** `millstream`, or the name of what it is compared with. */
  readonly subject: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
  /** A count or hash of the results: equal for all subjects of a case, which did the same work then. */
  readonly check: string
}

export interface Options {
  /** Tiny sizes, to see that it works; the figures mean nothing. */
  readonly quick: boolean
  /** Tells how far it is. */
  readonly log: (line: string) => void
}

export interface Benchmark {
  readonly summary: string
  /** Whether it compares with packages that are installed on first use. */
  readonly needsPeers: boolean
  readonly run: (options: Options) => Promise<Row[]>
}

/** Subjects of a case did not do the same work: the figures compare nothing. */
export class CheckMismatch extends Error {}

/** @throws CheckMismatch unless all rows of each case have the same check. */
export function checkRows(rows: readonly Row[]): void {
  for (const row of rows) {
    const first = rows.find((other) => other.case === row.case)
    if (first === undefined || first.check === row.check) continue
    throw new CheckMismatch(
      `${row.case}: ${first.subject} did ${first.check}, ${row.subject} did ${row.check}`,
    )
  }
}

/** The row of some measured figures. */
export function rowOf(
  what: Pick<Row, 'case' | 'subject' | 'unit' | 'check'>,
  figures: readonly number[],
): Row {
  return {
    ...what,
    median: rounded(median(figures)),
    min: rounded(Math.min(...figures)),
    max: rounded(Math.max(...figures)),
    runs: figures.length,
  }
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Four digits: there is no more truth in a measurement. */
const rounded = (figure: number): number => Number(figure.toPrecision(4))

/** Milliseconds that `work` takes. */
export async function time(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Milliseconds of the processor that `work` takes: waiting for it behind other programs is left out. */
export async function cpuTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The next message of a process of `subject`. Rejects when it ends without one. */
export function answerOf<T>(child: ChildProcess, subject: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      const end = child.exitCode ?? child.signalCode
      reject(new Error(`the process of ${subject} ended with ${end} before it answered`))
    }
    // `exit` may come before the last message, `disconnect` only behind it.
    const onDisconnect = (): void => {
      child.off('message', onMessage)
      if (child.exitCode === null && child.signalCode === null) child.once('exit', fail)
      else fail()
    }
    const onMessage = (message: unknown): void => {
      child.off('disconnect', onDisconnect)
      resolve(message as T)
    }
    child.once('disconnect', onDisconnect)
    child.once('message', onMessage)
  })
}

/** What the figures were measured on. */
export function machine(): Readonly<Record<string, string | number>> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${osType()} ${release()}`,
    node: process.versions.node,
    // Other programs' load makes everything slower, and overlap worst.
    load1min: rounded(loadavg()[0] ?? 0),
  }
}

/** The rows as a table, with the ratio of each median to Millstream's. */
export function tableOf(rows: readonly Row[]): string {
  const head = ['case', 'subject', 'median', 'min', 'max', 'unit', 'runs', 'x millstream']
  const lines = rows.map((row) => {
    const own = rows.find((other) => other.case === row.case && other.subject === 'millstream')
    const ratio = own === undefined || own.median === 0 ? '' : (row.median / own.median).toFixed(2)
    const { subject, unit, runs } = row
    return [row.case, subject, row.median, row.min, row.max, unit, runs, ratio].map(String)
  })
  const all = [head, ...lines]
  const widths = head.map((_, k) => Math.max(...all.map((line) => line[k]?.length ?? 0)))
  return all.map((line) => line.map((cell, k) => cell.padEnd(widths[k] ?? 0)).join('  ')).join('\n')
}
