import { hash, seededKey } from '../stream/random.ts'
import type { IndexedSource, SourceSpec } from '../stream/spec.ts'

export interface RandomParams {
  /** Mixed with the run's seed; undefined = 0. */
  readonly seed: number | undefined
  /** True gives every epoch and every iteration other numbers. */
  readonly rerandomize: boolean
}

export const randomSpec: SourceSpec<RandomParams> = {
  op: 'random',
  kind: 'source',
  summary: 'Random whole numbers from 0 up to and without 2^32, without end.',
  tfData: 'random; without a seed the numbers follow from the run seed',
  structure: ({ seed, rerandomize }) => ({ seed: seed ?? null, rerandomize }),
  cardinality: () => Infinity,
  bytes: () => 8,
  indexed: ({ seed, rerandomize }): IndexedSource<number> => ({
    length: Infinity,
    own: (chance) => seededKey(chance, seed, rerandomize),
    emit: (bind, i, own) => `${bind(hash)}(${own}, ${i})`,
    at: (i, own) => hash(own, i),
  }),
}
