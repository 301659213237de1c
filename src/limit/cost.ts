import { InvalidArgumentError } from '../errors/index.ts'
import type { Costs } from '../stream/budget.ts'

/** What a call costs: a number of tokens, or amounts by meter. */
export type Cost = number | Costs

/**
 * The amounts of a cost by meter. Budgets and limits compare sums of them: with one that is no number they would
 * let everything through. `what` names the option that gave it.
 *
 * @throws InvalidArgumentError unless all amounts are numbers from 0 on.
 */
export function costsOf(what: string, cost: Cost): Costs {
  const costs: unknown = typeof cost === 'number' ? { tokens: cost } : cost
  if (typeof costs !== 'object' || costs === null) {
    throw new InvalidArgumentError(
      `${what} must be a number of tokens or amounts by meter, not ${String(costs)}`,
    )
  }
  for (const [meter, amount] of Object.entries(costs)) {
    if (Number.isFinite(amount) && Number(amount) >= 0) continue
    throw new InvalidArgumentError(
      `${what}: ${meter} must be a number from 0 on, not ${String(amount)}`,
    )
  }
  return costs as Costs
}
