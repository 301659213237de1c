import type { Costs } from '../stream/budget.ts'

/** A call that wants its turn. */
export interface Entry {
  readonly costs: Costs
  /** It was made before: it goes before those that never were. */
  readonly again: boolean
  /** The call may be made; then `leave` or `giveBack` of its limiter follows. */
  readonly go: (ticket: Ticket) => void
  /** It will never be told to go: what is known of the limit cannot be read or written. */
  readonly fail: (error: unknown) => void
}

/** A call that waits for its turn, or is under way. */
export interface Ticket extends Entry {
  /** When it was let go, and when it went, by the clock of its controller; 0 while it waits. */
  grantedAt: number
  startedAt: number
  /** The meter whose rate it had to wait for. */
  pacedBy: string | undefined
}

/** Calls that wait, in the order in which they came, those that are tried again first. */
export class TicketQueue {
  readonly #again: Ticket[] = []
  readonly #first: Ticket[] = []

  get size(): number {
    return this.#again.length + this.#first.length
  }

  get first(): Ticket | undefined {
    return this.#again[0] ?? this.#first[0]
  }

  add(entry: Entry): Ticket {
    const ticket: Ticket = { ...entry, grantedAt: 0, startedAt: 0, pacedBy: undefined }
    this.#rowOf(ticket).push(ticket)
    return ticket
  }

  /** Those that were taken out last, in their order, wait again before all others of their kind. */
  putBack(tickets: readonly Ticket[]): void {
    for (const ticket of tickets.toReversed()) this.#rowOf(ticket).unshift(ticket)
  }

  /** The next `most` in order; they stay. */
  peek(most: number): readonly Ticket[] {
    const again = this.#again.slice(0, most)
    return [...again, ...this.#first.slice(0, most - again.length)]
  }

  /** False when it was not waiting. */
  remove(ticket: Ticket): boolean {
    const row = this.#rowOf(ticket)
    if (row[0] === ticket) row.shift()
    else {
      const at = row.indexOf(ticket)
      if (at < 0) return false
      row.splice(at, 1)
    }
    return true
  }

  #rowOf({ again }: Ticket): Ticket[] {
    return again ? this.#again : this.#first
  }
}
