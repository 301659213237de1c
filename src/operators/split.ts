import { combine, hashUnit } from '../stream/random.ts'
import { type StepSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { digestOf } from '../tensor/value-key.ts'

export interface SplitParams {
  /** What of an element decides its part; undefined for its position. */
  readonly fn: UserFn | undefined
  readonly seed: number
  /** The part: from `low` up to and without `high`, of numbers in `[0, 1)`. */
  readonly low: number
  readonly high: number
}

export const splitSpec: StepSpec<SplitParams> = {
  op: 'split',
  kind: 'row',
  rows: 'fewer',
  summary:
    'One part of the elements, each element in exactly one part, by a hash of its key or position.',
  tfData: 'keras.utils.split_dataset, which takes positions',
  structure: ({ fn, seed, low, high }) => ({
    by: fn === undefined ? 'position' : 'key',
    seed,
    from: low,
    to: high,
  }),
  cardinality: unknownCardinality,
  state: ({ fn }) => (fn === undefined ? [0] : []),
  fn: ({ fn }) => (fn === undefined ? undefined : { fn, arity: 1 }),
  emit: (params, g) => {
    const [test, what] =
      params.fn === undefined
        ? [hasOrdinal(params), `${g.state(0)}++`]
        : [hasKey(params), g.call('x')]
    return `if (!${g.bind(test)}(${what})) { ${g.drop} }`
  },
  step: (params, env, next) => {
    if (params.fn !== undefined) {
      const has = hasKey(params)
      return (x) => {
        if (has(env.call(x))) next(x)
      }
    }
    const has = hasOrdinal(params)
    return (x) => {
      const ordinal = Number(env.get(0))
      env.set(0, ordinal + 1)
      if (has(ordinal)) next(x)
    }
  },
}

// The run's seed stays out of it: parts that are read in different runs must not share elements.
function hasOrdinal({ seed, low, high }: SplitParams): (ordinal: number) => boolean {
  const key = combine(0, seed)
  return (ordinal) => {
    const place = hashUnit(key, ordinal)
    return low <= place && place < high
  }
}

function hasKey({ seed, low, high }: SplitParams): (key: unknown) => boolean {
  const seeded = combine(0, seed)
  return (key) => {
    const digest = digestOf(key)
    const place = hashUnit(combine(seeded, wordAt(digest, 0)), wordAt(digest, 4))
    return low <= place && place < high
  }
}

function wordAt(digest: string, at: number): number {
  let word = 0
  for (let k = at; k < at + 4; k++) word = word * 256 + digest.charCodeAt(k)
  return word
}
