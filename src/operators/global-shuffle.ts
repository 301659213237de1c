import { InvalidArgumentError } from '../errors/index.ts'
import { permutation } from '../stream/permutation.ts'
import { seededKey } from '../stream/random.ts'
import type { PositionMap, ViewSpec } from '../stream/spec.ts'

export interface GlobalShuffleParams {
  /** Mixed with the run's seed; undefined = 0. */
  readonly seed: number | undefined
  /** False gives every epoch and every iteration the same order. */
  readonly reshuffle: boolean
}

export const globalShuffleSpec: ViewSpec<GlobalShuffleParams> = {
  op: 'globalShuffle',
  kind: 'view',
  summary:
    "shuffle('global'): a random order of all elements of a source with random access, without a buffer.",
  tfData: 'shuffle with a buffer as large as the dataset; global_shuffle of Grain',
  structure: ({ seed, reshuffle }) => ({ seed: seed ?? null, reshuffle }),
  cardinality: (_, [n]) => n,
  view: ({ seed, reshuffle }, length): PositionMap<(i: number) => number> => {
    if (length === Infinity) {
      throw new InvalidArgumentError(
        "shuffle('global'): its input never ends, so it has no random order. Say how many elements: take(n).shuffle('global')",
      )
    }
    return {
      length,
      own: (chance) => permutation(seededKey(chance, seed, reshuffle), length),
      emit: (i, own) => `${own}(${i})`,
      at: (i, order) => order(i),
    }
  },
}
