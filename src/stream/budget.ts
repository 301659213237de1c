import { BudgetError, InvalidArgumentError } from '../errors/index.ts'

/** What a call costs beside itself, by meter: `tokens`, `usd`, or any other. */
export type Costs = { readonly [meter: string]: number }

/** Sums of floating point numbers come this near to a limit without going over it. */
const ROUNDING = 1e-9

/**
 * What a run may spend. A call reserves what it is thought to cost and pays what it did cost; when a reservation
 * does not fit, it waits for the calls under way, which may turn out cheaper.
 */
export class Budget {
  readonly #limits: ReadonlyMap<string, number>
  readonly #spent = new Map<string, number>()
  readonly #reserved = new Map<string, number>()
  #open = 0
  readonly #waiting: (() => void)[] = []

  /** @throws InvalidArgumentError unless all limits are numbers of at least 0. */
  constructor(limits: Costs) {
    for (const [meter, limit] of Object.entries(limits)) {
      if (typeof limit === 'number' && limit >= 0) continue
      throw new InvalidArgumentError(
        `budget: ${meter} must be a number from 0 on, not ${JSON.stringify(limit)}`,
      )
    }
    this.#limits = new Map(Object.entries(limits))
  }

  /** What was paid so far, of all meters that calls named. */
  get spent(): Costs {
    return Object.fromEntries(this.#spent)
  }

  /**
   * Undefined when the call can be paid, or a promise to wait for, which rejects with a BudgetError when it cannot.
   * Then `pay` or `release` follows.
   */
  reserve(costs: Costs): Promise<void> | undefined {
    if (this.#broken(costs) !== undefined) return this.#reserveLater(costs)
    this.#hold(costs)
    return undefined
  }

  async #reserveLater(costs: Costs): Promise<void> {
    for (let broken = this.#broken(costs); broken !== undefined; broken = this.#broken(costs)) {
      if (this.#open === 0) throw new BudgetError(broken.meter, broken.spent, broken.limit)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#hold(costs)
  }

  #hold(costs: Costs): void {
    this.#open++
    add(this.#reserved, costs, 1)
  }

  /** The call was answered and cost `spent`. */
  pay(costs: Costs, spent: Costs): void {
    add(this.#spent, spent, 1)
    this.release(costs)
  }

  /** The call was not answered: it cost nothing. */
  release(costs: Costs): void {
    this.#open--
    add(this.#reserved, costs, -1)
    for (const wake of this.#waiting.splice(0)) wake()
  }

  /** The first meter that the call would take over its limit, or that has none left. */
  #broken(costs: Costs): { meter: string; spent: number; limit: number } | undefined {
    for (const [meter, limit] of this.#limits) {
      const spent = this.#spent.get(meter) ?? 0
      const cost = costs[meter] ?? 0
      const all = spent + (this.#reserved.get(meter) ?? 0) + cost
      // Where the cost is only known afterwards, the first call that finds the limit reached stops.
      const over = all > limit * (1 + ROUNDING) || (cost === 0 && spent >= limit)
      if (over) return { meter, spent, limit }
    }
    return undefined
  }
}

function add(sums: Map<string, number>, costs: Costs, sign: 1 | -1): void {
  for (const [meter, cost] of Object.entries(costs)) {
    sums.set(meter, (sums.get(meter) ?? 0) + sign * cost)
  }
}
