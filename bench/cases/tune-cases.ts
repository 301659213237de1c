/** Pipelines whose best numbers are not those they start with; each can be run with numbers, or without. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AutotuneOptions, Dataset, threads } from 'millstream'
import { first, second } from './tune-stages.ts'
import { contended, Counter, fickle, Held, patient } from './tune-world.ts'

/** Numbers of a setting, in the order of the pipeline; undefined for those that the run sets. */
export type Setting = readonly number[] | undefined

/** A pipeline that was made for one run. */
export interface Subject {
  readonly dataset: Dataset<unknown>
  /** What the reader does with an element. */
  readonly read?: (x: never) => Promise<void> | void
  /** How its world changes while it is being tuned, once. */
  readonly drift?: () => unknown
  /** Bytes that were held at most, where a budget bounds them. */
  readonly held?: () => number
}

export interface Case {
  readonly name: string
  readonly budget?: AutotuneOptions
  readonly grid: readonly (readonly number[])[]
  readonly make: (setting: Setting) => Subject
}

const calls = [4, 8, 16, 32, 64, 128, 256].map((n) => [n] as const)
const numbers = (): Dataset<number> => Dataset.range(Number.MAX_SAFE_INTEGER)
const lanes = (n: number | undefined): { parallelism: number | 'auto' } => ({
  parallelism: n ?? 'auto',
})

const simple = (name: string, world: () => (x: number) => Promise<number>): Case => ({
  name,
  grid: calls,
  make: (setting) => ({ dataset: numbers().map(world(), lanes(setting?.[0])) }),
})

const MiB = 2 ** 20

export const cases: readonly Case[] = [
  simple('calls of 20 ms', () => patient(20)),
  simple('calls that differ, 10 ms', () => fickle(10)),
  simple('a service of 40 at once', () => new Counter(40, 20).call),
  simple('calls that hinder each other', () => contended(6, 8)),
  {
    name: 'two services, one behind the other',
    grid: [
      [8, 16],
      [16, 16],
      [16, 64],
      [32, 64],
      [64, 64],
      [32, 128],
    ],
    make: (setting) => ({
      dataset: numbers()
        .map(new Counter(24, 10).call, lanes(setting?.[0]))
        .map(new Counter(96, 40).call, lanes(setting?.[1])),
    }),
  },
  {
    name: 'a reader of 3 ms, calls of 120 ms',
    grid: calls,
    make: (setting) => ({
      dataset: numbers().map(patient(120), lanes(setting?.[0])),
      read: async () => sleep(3),
    }),
  },
  {
    name: 'a service that becomes smaller',
    grid: calls,
    make: (setting) => {
      const service = new Counter(setting === undefined ? 80 : 12, 20)
      return {
        dataset: numbers().map(service.call, lanes(setting?.[0])),
        ...(setting === undefined && { drift: () => (service.capacity = 12) }),
      }
    },
  },
  {
    name: 'photos of 1 MiB, 32 MiB in all',
    budget: { ramBudget: 32 * MiB },
    grid: calls.slice(0, 5),
    make: (setting) => {
      const held = new Held()
      const load = async (): Promise<Uint8Array> => {
        await sleep(20)
        return held.make(MiB)
      }
      return {
        dataset: numbers().map(load, lanes(setting?.[0])),
        read: (x: Uint8Array) => held.take(x),
        held: () => held.most,
      }
    },
  },
  {
    name: 'a placed stage, 4 cores',
    budget: { cpuBudget: 4 },
    grid: [[1], [2], [3], [4]],
    make: (setting) => ({
      dataset: numbers().map(first.with({ ms: 8 }).on(threads(setting?.[0] ?? 'auto'))),
    }),
  },
  {
    name: 'a placed stage, 1 core',
    budget: { cpuBudget: 1 },
    grid: [[1]],
    make: (setting) => ({
      dataset: numbers().map(first.with({ ms: 8 }).on(threads(setting?.[0] ?? 'auto'))),
    }),
  },
  {
    name: 'two placed stages, 4 cores',
    budget: { cpuBudget: 4 },
    grid: [
      [1, 3],
      [2, 2],
      [3, 1],
      [1, 2],
      [1, 1],
    ],
    make: (setting) => ({
      dataset: numbers()
        .map(first.with({ ms: 4 }).on(threads(setting?.[0] ?? 'auto')))
        .map(second.with({ ms: 12 }).on(threads(setting?.[1] ?? 'auto'))),
    }),
  },
  {
    name: 'a buffer before an uneven reader',
    grid: [[1], [2], [8], [32], [128]],
    make: (setting) => {
      let read = 0
      const bursts = async (): Promise<void> => sleep(++read % 40 < 20 ? 1 : 9)
      return {
        dataset: numbers()
          .map(patient(5), { parallelism: 1 })
          .prefetch(setting?.[0] ?? 'auto'),
        read: bursts,
      }
    },
  },
]
