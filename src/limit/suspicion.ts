/** How much a new observation counts. */
const WEIGHT = 0.08

/** Mean standard score of refused calls' costs that speaks for a limit on that cost, or against one. */
const FOR = 0.25
const AGAINST = 0.1
/** Refusals before an opinion. */
const LEAST = 8

/** Mean cost and mean square of all calls, and the mean standard score of those that were refused. */
export interface SuspicionState {
  mean: number
  square: number
  calls: number
  score: number
  refusals: number
}

export function newSuspicion(): SuspicionState {
  return { mean: 0, square: 0, calls: 0, score: 0, refusals: 0 }
}

/**
 * Which meter does the server limit, when it doesn't say? One that limits tokens refuses big calls more often
 * than small ones; one that limits requests refuses without regard to size. So the costs of refused calls are
 * compared with those of all.
 */
export class Suspicion {
  readonly state: SuspicionState

  constructor(state: SuspicionState) {
    this.state = state
  }

  /** A call goes that costs so much. */
  called(cost: number): void {
    const { state } = this
    const weight = Math.max(0.01, 1 / ++state.calls)
    state.mean += weight * (cost - state.mean)
    state.square += weight * (cost ** 2 - state.square)
  }

  /** A call was refused that costs so much. */
  refused(cost: number): void {
    const { state } = this
    const deviation = Math.sqrt(Math.max(0, state.square - state.mean ** 2))
    if (deviation < 0.05 * state.mean) return
    const weight = Math.max(WEIGHT, 1 / ++state.refusals)
    const score = Math.max(-2, Math.min(2, (cost - state.mean) / deviation))
    state.score += weight * (score - state.score)
  }

  /** True: this cost is limited. False: it is not. Undefined: too early to say, or calls cost all the same. */
  get verdict(): boolean | undefined {
    const { state } = this
    if (state.refusals < LEAST) return undefined
    if (state.score > FOR) return true
    return state.score < AGAINST ? false : undefined
  }
}
