import { InvalidArgumentError } from '../errors/index.ts'
import type { Local } from '../stream/local.ts'
import { hashUnit } from '../stream/random.ts'
import { type StepSpec, unknownCardinality, type UserFn } from '../stream/spec.ts'
import { describe } from '../tensor/index.ts'

export interface ResampleParams {
  /** `classAndChance` of the user's function. */
  readonly fn: UserFn
  readonly target: readonly number[]
  /** Undefined to estimate it from what was read. */
  readonly initial: readonly number[] | undefined
  readonly seed: number | undefined
}

export const rejectionResampleSpec: StepSpec<ResampleParams> = {
  op: 'rejectionResample',
  kind: 'row',
  rows: 'fewer',
  summary: 'Leaves out elements by chance, so that classes come as often as they should.',
  tfData:
    'rejection_resample; the elements alone, in order, each once at most: without their classes, and without a share of the originals mixed in',
  structure: ({ target, initial, seed }) => ({
    target,
    initial: initial ?? null,
    seed: seed ?? null,
  }),
  cardinality: unknownCardinality,
  // How many elements of each class there were: a new list each time, so that states stay what they were.
  state: ({ target, initial }) => (initial === undefined ? [target.map(() => SMOOTHING)] : []),
  fn: ({ fn }) => ({ fn, arity: 1 }),
  emit: ({ target, initial }, g) => {
    const [drawn, accepts] = [g.own('drawn'), g.bind(acceptorOf(target))]
    const known = initial === undefined ? g.state(0) : g.bind(initial)
    const count = initial === undefined ? `${known} = ${g.bind(counted)}(${known}, ${drawn}); ` : ''
    return `const ${drawn} = ${g.call('x')}; ${count}if (!${accepts}(${known}, ${drawn})) ${g.drop}`
  },
  step: ({ target, initial }, env, next) => {
    const accepts = acceptorOf(target)
    return (x) => {
      const drawn = env.call(x) as Drawn
      if (initial === undefined) env.set(0, counted(env.get(0) as readonly number[], drawn))
      const known = initial ?? (env.get(0) as readonly number[])
      if (accepts(known, drawn)) next(x)
    }
  },
}

/** Elements of each class that are taken for seen at the start, as in tf.data. */
const SMOOTHING = 10

/** An element's class, and its random number. */
type Drawn = readonly [number, number]

function counted(counts: readonly number[], [own]: Drawn): readonly number[] {
  return counts.map((count, k) => (k === own ? count + 1 : count))
}

/**
 * Keeps an element of class `c` with a chance of `target[c] / initial[c]`, divided by the largest such ratio: then kept
 * elements are distributed as `target`, and as many are kept as can be (rejection sampling, von Neumann 1951).
 */
function acceptorOf(
  target: readonly number[],
): (initial: readonly number[], drawn: Drawn) => boolean {
  return (initial, [own, chance]) => {
    let largest = 0
    for (let k = 0; k < target.length; k++) largest = Math.max(largest, ratio(target, initial, k))
    return chance * largest < ratio(target, initial, own)
  }
}

function ratio(target: readonly number[], initial: readonly number[], k: number): number {
  const wanted = target[k] ?? 0
  return wanted === 0 ? 0 : wanted / (initial[k] ?? 1)
}

/** The user's function of classes as the loop calls it: its answer is checked and goes with a random number. */
export function classAndChance(
  classOf: UserFn,
  classes: number,
  seed: number | undefined,
): (x: unknown, local: Local) => Drawn {
  const ask = classOf as (x: unknown, local: Local) => unknown
  return (x, local) => {
    const own = ask(x, local)
    if (typeof own !== 'number' || !Number.isInteger(own) || own < 0 || own >= classes) {
      throw new InvalidArgumentError(
        `a class must be a whole number from 0 up to and without ${classes}, the length of targetDist, not ${describe(own)}`,
      )
    }
    const chance = local.random()
    return [own, seed === undefined ? chance : hashUnit(seed | 0, chance * 2 ** 53)]
  }
}
