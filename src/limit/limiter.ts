import type { Clock } from '../stream/clock.ts'
import { AskedTime } from './asked-time.ts'
import { type Ceilings, Controller, newController, type Outcome } from './controller.ts'
import { type Entry, type Ticket, TicketQueue } from './tickets.ts'

/** Decides when calls go: in the order in which they came, those that are tried again first. */
export interface Limiter {
  /** `go` is called when the call may be made, perhaps at once. */
  enter(entry: Entry): Ticket
  /** Takes back a call that still waits. */
  cancel(ticket: Ticket): void
  /** A call that was let go is not made: it comes again. */
  giveBack(ticket: Ticket): void
  leave(ticket: Ticket, outcome: Outcome): void
  /** The server wants no calls for so many milliseconds. */
  ask(ms: number): void
  /** Milliseconds so far in which the server wanted no calls. */
  readonly asked: number
  /** True when nothing waits, is under way, or has to be remembered. */
  readonly idle: boolean
}

/** The limiter of one process. It knows the time and the outcomes of calls, nothing else. */
export class LocalLimiter implements Limiter {
  readonly #clock: Clock
  readonly #controller: Controller
  readonly #queue = new TicketQueue()
  readonly #asked = new AskedTime()
  #underWay = 0
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity

  /** `key` seeds the jitter of its pauses. */
  constructor(clock: Clock, ceilings: Ceilings, key: number) {
    this.#clock = clock
    this.#controller = new Controller(newController(), ceilings, key)
  }

  enter(entry: Entry): Ticket {
    const ticket = this.#queue.add(entry)
    this.#pump()
    return ticket
  }

  cancel(ticket: Ticket): void {
    this.#queue.remove(ticket)
    this.#pump()
  }

  giveBack(ticket: Ticket): void {
    this.#underWay--
    this.#controller.giveBack(ticket)
    this.#pump()
  }

  leave(ticket: Ticket, outcome: Outcome): void {
    const now = this.#clock.now()
    this.#underWay--
    if (outcome.pause !== undefined) this.#asked.note(now, now + outcome.pause)
    this.#controller.leave(ticket, outcome, now, this.#underWay)
    this.#pump()
  }

  /** Ceilings that became known after the first call. */
  declare(ceilings: Ceilings): void {
    this.#controller.declare(ceilings)
    this.#pump()
  }

  ask(ms: number): void {
    const now = this.#clock.now()
    this.#asked.note(now, now + ms)
    this.#controller.ask(now + ms)
  }

  get asked(): number {
    return this.#asked.total(this.#clock.now())
  }

  get idle(): boolean {
    if (this.#underWay + this.#queue.size > 0) return false
    return this.#controller.idle(this.#clock.now())
  }

  #pump(): void {
    const now = this.#clock.now()
    for (;;) {
      const ticket = this.#queue.first
      if (ticket === undefined) return this.#wakeAt(Infinity, now)
      if (this.#underWay >= this.#controller.most) return this.#wakeAt(Infinity, now)
      const { ms, pacedBy } = this.#controller.wait(ticket.costs, now)
      ticket.pacedBy = pacedBy ?? ticket.pacedBy
      if (ms > 0) return this.#wakeAt(now + ms, now)
      this.#queue.remove(ticket)
      ticket.grantedAt = ticket.startedAt = now
      this.#underWay++
      this.#controller.start(ticket, now)
      ticket.go(ticket)
    }
  }

  #wakeAt(time: number, now: number): void {
    if (time === this.#timerAt) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#timerAt = time
    if (time === Infinity) return
    this.#cancelTimer = this.#clock.after(time - now, () => {
      this.#timerAt = Infinity
      this.#cancelTimer = undefined
      this.#pump()
    })
  }
}
