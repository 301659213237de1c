/**
 * The worker's side of the protocol, for one delivery of a chunk. Pure: an event in, an instruction out. The chunk is
 * acknowledged only after the submitter has its result, so whatever ends a worker leaves the chunk in the queue.
 */

/** What a worker brings instead of values when it does not work on a chunk. */
export type Verdict =
  /** Workers died over it: its elements should come in smaller chunks, so that the one is found. */
  | 'split'
  /** An element over which too many workers died. */
  | 'poison'

export type DutyEvent =
  /** `deliveries` counts this one. */
  | { readonly type: 'delivered'; readonly deliveries: number; readonly elements: number }
  | { readonly type: 'worked' }
  /** What runs the stage died over it, and this process did not. */
  | { readonly type: 'broke' }
  /** The submitter has the result, this one or another. */
  | { readonly type: 'taken' }
  /** No answer from the submitter. */
  | { readonly type: 'unanswered' }
  /** The run is over. */
  | { readonly type: 'over' }

export type DutyInstruction =
  | { readonly do: 'work' }
  | { readonly do: 'bring'; readonly verdict?: Verdict }
  /** Bring the same once more, after a while. */
  | { readonly do: 'bringAgain' }
  | { readonly do: 'acknowledge' }
  /** Back into the queue, for anybody. */
  | { readonly do: 'return' }
  | { readonly do: 'drop' }

/** Workers that may die over several elements before these come in smaller chunks. */
const SPLIT_AFTER = 2

/** One delivery, from its arrival to its end. */
export class Duty {
  readonly #maxDeliveries: number
  #deliveries = 0
  #elements = 0

  constructor(maxDeliveries: number) {
    this.#maxDeliveries = maxDeliveries
  }

  step(event: DutyEvent): DutyInstruction {
    switch (event.type) {
      case 'delivered':
        this.#deliveries = event.deliveries
        this.#elements = event.elements
        // Deliveries before this one have failed, all of them.
        return this.#after(event.deliveries - 1) ?? { do: 'work' }
      case 'broke':
        return this.#after(this.#deliveries) ?? { do: 'return' }
      case 'worked':
        return { do: 'bring' }
      case 'taken':
        return { do: 'acknowledge' }
      case 'unanswered':
        return { do: 'bringAgain' }
      case 'over':
        return { do: 'drop' }
    }
  }

  #after(deaths: number): DutyInstruction | undefined {
    if (this.#elements > 1) {
      const limit = Math.min(SPLIT_AFTER, this.#maxDeliveries)
      return deaths >= limit ? { do: 'bring', verdict: 'split' } : undefined
    }
    return deaths >= this.#maxDeliveries ? { do: 'bring', verdict: 'poison' } : undefined
  }
}
