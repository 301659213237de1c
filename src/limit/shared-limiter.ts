import { randomUUID } from 'node:crypto'
import type { Clock } from '../stream/clock.ts'
import { AskedTime } from './asked-time.ts'
import type { Ceilings, Outcome, StartedCall } from './controller.ts'
import type { Limiter } from './limiter.ts'
import {
  formatShared,
  type Granted,
  type Happened,
  LOOK_MS,
  parseShared,
  SILENCE_MS,
  type SharedLimit,
  takeTurn,
} from './shared-limit.ts'
import type { SharedState } from './shared-state.ts'
import { type Entry, type Ticket, TicketQueue } from './tickets.ts'

/** Milliseconds between two turns at least, so that many short calls cost few writes. */
const REST_MS = 5
/** Calls that are asked for in one turn at most. */
const MOST_WANTED = 256

/** A turn that was written, perhaps. */
interface Attempt {
  readonly write: number
  readonly at: number
  /** How much of what happened it tells. */
  readonly told: number
  readonly granted: Granted<Ticket>
  /** There is something in it for others, if only that this process lives. */
  readonly news: boolean
}

/**
 * The limiter of a process that shares what is known of a limit with others. In turns it tells what happened and is
 * granted the calls of the next tenth of a second; between turns it needs nobody. A killed process takes these calls
 * along, and its place among those under way until it is missed.
 */
export class SharedLimiter implements Limiter {
  readonly #clock: Clock
  readonly #state: SharedState
  readonly #ceilings: Ceilings
  readonly #key: number
  readonly #member = randomUUID()
  readonly #queue = new TicketQueue()
  /** Those that may go, in the order of their times. */
  #granted: Ticket[] = []
  /** What the others don't know yet. */
  #happened: Happened[] = []
  readonly #asked = new AskedTime()
  #underWay = 0
  #writes = 0
  #turnedAt = -Infinity
  #wroteAt = -Infinity
  #taking = false
  readonly #nextTurn: Alarm
  readonly #nextCall: Alarm

  /** `key` seeds the jitter of its pauses. */
  constructor(clock: Clock, state: SharedState, ceilings: Ceilings, key: number) {
    this.#clock = clock
    this.#state = state
    this.#ceilings = ceilings
    this.#key = key
    this.#nextTurn = new Alarm(clock, () => void this.#turn())
    this.#nextCall = new Alarm(clock, () => this.#letGo())
  }

  enter(entry: Entry): Ticket {
    const ticket = this.#queue.add(entry)
    if (this.#queue.size === 1) this.#turnBy(this.#now)
    return ticket
  }

  cancel(ticket: Ticket): void {
    if (this.#queue.remove(ticket)) return
    const at = this.#granted.indexOf(ticket)
    if (at < 0) return
    this.#granted.splice(at, 1)
    this.#return(ticket)
  }

  giveBack(ticket: Ticket): void {
    this.#underWay--
    this.#tell({ kind: 'given back', call: callOf(ticket) })
  }

  leave(ticket: Ticket, left: Outcome): void {
    const at = this.#now
    this.#underWay--
    // Dates are whole milliseconds: the next one is the first that is not too early.
    const pause = left.pause === undefined ? undefined : left.pause + 1
    const outcome = { ...left, pause }
    if (pause !== undefined) this.#asked.note(at, at + pause)
    if (outcome.kind === 'refused') this.#withdraw()
    this.#tell({ kind: 'left', call: callOf(ticket), outcome, at })
  }

  ask(ms: number): void {
    const until = this.#now + ms + 1
    this.#asked.note(this.#now, until)
    this.#tell({ kind: 'asked', until })
    this.#withdraw()
  }

  get asked(): number {
    return this.#asked.total(this.#now)
  }

  get idle(): boolean {
    const open = this.#queue.size + this.#granted.length + this.#underWay
    return open + this.#happened.length === 0 && !this.#taking
  }

  /** By the clock that all processes share. */
  get #now(): number {
    return this.#clock.date()
  }

  #tell(happened: Happened): void {
    this.#happened.push(happened)
    const urgent = this.#queue.size > 0 || isBad(happened)
    this.#turnBy(this.#now + (urgent ? 0 : LOOK_MS))
  }

  #turnBy(time: number): void {
    if (!this.#taking) this.#nextTurn.by(Math.max(time, this.#turnedAt + REST_MS))
  }

  async #turn(): Promise<void> {
    this.#taking = true
    this.#nextTurn.off()
    let again = Infinity
    try {
      again = await this.#attempt()
    } catch (error) {
      this.#fail(error)
    }
    this.#taking = false
    this.#turnedAt = this.#now
    if (this.#queue.size > 0) this.#turnBy(again)
    if (this.#happened.length > 0) this.#turnBy(this.#now)
    if (this.#underWay > 0) this.#turnBy(this.#wroteAt + SILENCE_MS / 4)
    this.#letGo()
  }

  /** Reads, adds, writes, until nobody was faster. Resolves to when it is to be done again. */
  async #attempt(): Promise<number> {
    let last: Attempt | undefined
    for (;;) {
      const { version, text } = await this.#state.read()
      const shared = parseShared(text)
      const came = last !== undefined && shared.members[this.#member]?.write === last.write
      if (last !== undefined && came) return this.#settle(last, shared)
      const next = this.#add(shared)
      if (!next.news) return this.#settle(next, shared)
      last = next
      if (!(await this.#state.compareAndSet(version, formatShared(shared)))) continue
      return this.#settle(next, shared)
    }
  }

  /** Adds what happened here to what is known, and the calls that may go. */
  #add(shared: SharedLimit): Attempt {
    const now = this.#now
    const before = shared.members[this.#member]
    const turn = {
      member: this.#member,
      write: ++this.#writes,
      now,
      ceilings: this.#ceilings,
      happened: [...this.#happened],
      underWay: this.#underWay + this.#granted.length,
      wanted: this.#queue.peek(MOST_WANTED),
    }
    const granted = takeTurn(shared, turn, this.#key)
    const after = shared.members[this.#member]
    const same =
      before !== undefined &&
      before.underWay === after?.underWay &&
      before.waits === after.waits &&
      before.at > now - SILENCE_MS / 4
    const news = turn.happened.length > 0 || granted.grants.length > 0 || !same
    return { write: turn.write, told: turn.happened.length, at: now, granted, news }
  }

  /** What was added is known to all. */
  #settle({ at, told, granted, news }: Attempt, shared: SharedLimit): number {
    if (news) this.#wroteAt = at
    this.#happened.splice(0, told)
    const refused = this.#happened.some(isBad) // meanwhile
    for (const { call, at: time } of granted.grants) {
      call.grantedAt = at
      call.startedAt = time
      if (!this.#queue.remove(call))
        this.#return(call) // it was cancelled meanwhile
      else this.#granted.push(call)
    }
    const { askedUntil, pausedUntil } = shared.controller
    this.#asked.note(this.#now, askedUntil)
    if (refused || pausedUntil > this.#now) this.#withdraw(refused ? Infinity : pausedUntil)
    return granted.again
  }

  #fail(error: unknown): void {
    this.#withdraw()
    this.#happened = []
    for (const ticket of this.#queue.peek(Infinity)) {
      this.#queue.remove(ticket)
      ticket.fail(error)
    }
  }

  /** What was granted for a time before `until` waits again. */
  #withdraw(until: number = Infinity): void {
    const all = this.#granted
    this.#granted = all.filter(({ startedAt }) => startedAt >= until)
    const back = all.filter(({ startedAt }) => startedAt < until)
    for (const ticket of back) this.#return(ticket)
    this.#queue.putBack(back)
  }

  /** A call that was granted does not go. */
  #return(ticket: Ticket): void {
    this.#tell({ kind: 'given back', call: callOf(ticket) })
  }

  #letGo(): void {
    const now = this.#now
    for (;;) {
      const [ticket] = this.#granted
      if (ticket === undefined) return
      if (ticket.startedAt > now) return this.#nextCall.by(ticket.startedAt)
      this.#granted.shift()
      ticket.startedAt = now
      this.#underWay++
      ticket.go(ticket)
    }
  }
}

/** The others should know at once. */
function isBad(happened: Happened): boolean {
  if (happened.kind === 'left') return happened.outcome.kind === 'refused'
  return happened.kind === 'asked'
}

/** What is told of a call. */
function callOf({ costs, again, pacedBy, grantedAt, startedAt }: Ticket): StartedCall {
  return { costs, again, pacedBy, grantedAt, startedAt }
}

/** Rings once, at the earliest time that it was set to since it last rang. */
class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #at = Infinity
  #cancel: (() => void) | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  by(time: number): void {
    if (time >= this.#at) return
    this.off()
    this.#at = time
    this.#cancel = this.#clock.after(time - this.#clock.date(), () => {
      this.off()
      this.#ring()
    })
  }

  off(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#at = Infinity
  }
}
