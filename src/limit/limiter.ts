import type { Clock } from '../stream/clock.ts'
import type { Costs } from '../stream/budget.ts'
import { hashUnit } from '../stream/random.ts'
import { type Cycle, Pacer, Usage } from './pacer.ts'
import { Suspicion } from './suspicion.ts'

/** What became of a call. */
export interface Outcome {
  readonly kind: 'ok' | 'refused' | 'transient' | 'permanent'
  /** Milliseconds for which the server asks not to be called. */
  readonly pause?: number | undefined
  /** The meter that is exhausted, where the server says so. */
  readonly meter?: string | undefined
  /** What it cost in truth, where that differs. */
  readonly spent?: Costs | undefined
}

/** A call that waits for its turn, or is under way. */
export interface Ticket {
  readonly costs: Costs
  readonly go: (ticket: Ticket) => void
  /** When it went; undefined while it waits. */
  startedAt: number | undefined
  /** The meter whose rate it had to wait for: its success may raise that. */
  pacedBy: string | undefined
  /** Goes before those that were never tried. */
  readonly again: boolean
}

/** Ceilings in units a millisecond, and calls under way. */
export interface Ceilings {
  readonly rates: { readonly [meter: string]: number }
  readonly inFlight: number
}

/** Calls under way at the start, where no rate is declared; they double with each round of answers. */
const FIRST_WINDOW = 8
/** Failures in a row, without a success, after which the server is taken to be down. */
const DOWN_AFTER = 8
/** A cycle of a rate takes a minute, within these numbers of calls: one in so many is refused. */
const LEAST_CYCLE = 80
const MOST_CYCLE = 250
/** What a decrease does shows only when the calls under way are answered. */
const CYCLE_TURNS = 10
/** Usage is averaged over so many answers' times, and so many answers. */
const USAGE_TURNS = 4
const USAGE_CALLS = 16
/** Answers after which that average is to be trusted. */
const SURE_CALLS = 32
const FIRST_GUESS_MS = 1_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 30_000

/**
 * Decides when calls go. It knows the time and the outcomes of calls, nothing else, so that tests run it in
 * virtual time. Calls go in the order in which they came, those that are tried again first.
 */
export class Limiter {
  readonly #clock: Clock
  #ceilings: Ceilings
  readonly #meters = new Map<string, Meter>()
  readonly #waiting: Ticket[] = []
  readonly #again: Ticket[] = []
  #underWay = 0
  #window: number
  #latency = 0
  /** Mean time between answers. */
  #interval = 0
  #answeredAt = 0
  #answers = 0
  #pausedUntil = 0
  #askedUntil = 0
  #asked = 0
  #loweredAt = -Infinity
  #refusedInRow = 0
  #failedInRow = 0
  #cancelTimer: (() => void) | undefined
  #timerAt = Infinity
  readonly #key: number
  #draws = 0

  /** `key` seeds the jitter of its pauses. */
  constructor(clock: Clock, ceilings: Ceilings, key: number) {
    this.#key = key
    this.#clock = clock
    this.#ceilings = ceilings
    for (const name of Object.keys(ceilings.rates)) this.#meter(name)
    this.#window = this.#meters.size > 0 ? Infinity : FIRST_WINDOW
  }

  /** `go` is called when the call may be made, perhaps at once; then `leave` follows. */
  enter(costs: Costs, go: (ticket: Ticket) => void, again: boolean): Ticket {
    const ticket: Ticket = { costs, go, again, startedAt: undefined, pacedBy: undefined }
    const queue = again ? this.#again : this.#waiting
    queue.push(ticket)
    this.#pump()
    return ticket
  }

  /** Takes back a call that still waits. */
  cancel(ticket: Ticket): void {
    const queue = ticket.again ? this.#again : this.#waiting
    const at = queue.indexOf(ticket)
    if (at >= 0) queue.splice(at, 1)
    this.#pump()
  }

  /** A call that was let go is not made: it comes again. */
  giveBack(ticket: Ticket): void {
    this.#underWay--
    for (const [name, cost] of Object.entries({ ...ticket.costs, requests: 1 })) {
      this.#meter(name).pacer.correct(-cost)
    }
    this.#pump()
  }

  leave(ticket: Ticket, outcome: Outcome): void {
    const now = this.#clock.now()
    this.#underWay--
    if (outcome.pause !== undefined) this.ask(outcome.pause)
    if (outcome.kind === 'refused') this.#refused(ticket, now, outcome)
    else if (outcome.kind === 'transient') this.#failed(now)
    else this.#answered(ticket, now, outcome.spent)
    this.#pump()
  }

  /** Ceilings that became known after the first call. */
  declare(ceilings: Ceilings): void {
    this.#ceilings = ceilings
    for (const [name, rate] of Object.entries(ceilings.rates)) {
      this.#meter(name).pacer.declare(rate)
      this.#window = Infinity
    }
    this.#pump()
  }

  /** No call goes for so long, whatever the reason. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms)
  }

  /** Milliseconds so far in which the server wanted no calls. */
  get asked(): number {
    return this.#asked - Math.max(0, this.#askedUntil - this.#clock.now())
  }

  /** The server wants no calls for so long. */
  ask(ms: number): void {
    const now = this.#clock.now()
    const until = Math.max(this.#askedUntil, now + ms)
    this.#asked += until - Math.max(this.#askedUntil, now)
    this.#askedUntil = until
    this.pause(ms)
  }

  /** True when nothing waits, is under way, or has to be remembered. */
  get idle(): boolean {
    const busy = this.#underWay + this.#waiting.length + this.#again.length
    if (busy > 0) return false
    const now = this.#clock.now()
    const paced = [...this.#meters.values()].some(({ pacer }) => pacer.wait(now) > 0)
    return !paced && this.#pausedUntil <= now
  }

  /** Learnt rates in units a millisecond; those without a known limit are left out. */
  get rates(): Costs {
    const known = [...this.#meters].filter(([, { pacer }]) => Number.isFinite(pacer.rate))
    return Object.fromEntries(known.map(([name, { pacer }]) => [name, pacer.rate]))
  }

  #pump(): void {
    const now = this.#clock.now()
    for (;;) {
      const queue = this.#again.length > 0 ? this.#again : this.#waiting
      const [ticket] = queue
      if (ticket === undefined) return this.#wakeAt(Infinity, now)
      const probing = this.#failedInRow >= DOWN_AFTER || this.#refusedInRow > 1
      const most = probing ? 1 : Math.min(this.#window, this.#ceilings.inFlight)
      if (this.#underWay >= most) return this.#wakeAt(Infinity, now)
      const wait = Math.max(this.#pausedUntil - now, this.#paceOf(ticket, now))
      if (wait > 0) return this.#wakeAt(now + wait, now)
      queue.shift()
      this.#start(ticket, now)
    }
  }

  /** Milliseconds until the rates let the call go. */
  #paceOf(ticket: Ticket, now: number): number {
    let longest = this.#meter('requests').pacer.wait(now)
    if (longest > 0) ticket.pacedBy = 'requests'
    for (const name of Object.keys(ticket.costs)) {
      const wait = this.#meter(name).pacer.wait(now)
      if (wait <= longest) continue
      longest = wait
      ticket.pacedBy = name
    }
    return longest
  }

  #start(ticket: Ticket, now: number): void {
    ticket.startedAt = now
    this.#underWay++
    const late = ticket.pacedBy !== undefined
    const requests = this.#meter('requests')
    requests.pacer.take(now, 1, late)
    requests.usage.begin(now)
    for (const [name, cost] of Object.entries(ticket.costs)) {
      const { pacer, suspicion, usage } = this.#meter(name)
      pacer.take(now, cost, late)
      usage.begin(now)
      if (!ticket.again) suspicion.called(cost)
    }
    ticket.go(ticket)
  }

  #meter(name: string): Meter {
    const known = this.#meters.get(name)
    if (known !== undefined) return known
    const made = meterOf(this.#ceilings.rates[name] ?? Infinity)
    this.#meters.set(name, made)
    return made
  }

  #answered(ticket: Ticket, now: number, spent: Costs | undefined): void {
    const { costs, startedAt = now } = ticket
    this.#refusedInRow = this.#failedInRow = 0
    this.#latency += (now - startedAt - this.#latency) / (this.#latency === 0 ? 1 : 8)
    for (const [name, cost] of Object.entries(spent ?? {})) {
      this.#meter(name).pacer.correct(cost - (costs[name] ?? 0))
    }
    this.#answers++
    this.#interval += (now - this.#answeredAt - this.#interval) / USAGE_CALLS
    this.#answeredAt = now
    const span = Math.max(USAGE_TURNS * this.#latency, USAGE_CALLS * this.#interval)
    for (const [name, cost] of Object.entries({ ...costs, ...spent, requests: 1 })) {
      this.#meter(name).usage.add(now, cost, span)
    }
    if (Number.isFinite(this.#window)) this.#window++
    if (ticket.pacedBy !== undefined) this.#meter(ticket.pacedBy).pacer.grow(this.#cycle)
  }

  /** Calls after a decrease until a rate is back where it was. */
  get #cycle(): Cycle {
    const rate = this.#meter('requests').usage.rate(this.#clock.now()) ?? 0
    // Calls that are usually under way (Little's law): after a pause there are none.
    const turn = Math.max(this.#underWay, rate * this.#latency)
    const aMinute = Math.max(LEAST_CYCLE, Math.min(MOST_CYCLE, rate * 60_000))
    return { calls: Math.max(aMinute, CYCLE_TURNS * turn), turn }
  }

  #refused(ticket: Ticket, now: number, { pause, meter }: Outcome): void {
    this.#refusedInRow++
    this.#window = Infinity
    if (pause === undefined) this.pause(this.#backoff(this.#refusedInRow))
    // Calls that went before the rate was lowered say nothing about the lower rate.
    if ((ticket.startedAt ?? now) < this.#loweredAt) return
    this.#loweredAt = now
    const costs: Costs = { ...ticket.costs, requests: 1 }
    const limited = this.#limitedMeters(ticket.costs, meter)
    const sure = this.#answers >= SURE_CALLS
    for (const [name, { pacer, usage }] of this.#meters) {
      // Before any answer, the pause is how long the server needs to let in this call.
      const guess = (costs[name] ?? 0) / (pause ?? FIRST_GUESS_MS)
      const used = usage.rate(now) ?? guess
      if (limited(name)) pacer.lower(now, { used, sure, cycle: this.#cycle })
      else pacer.relax(used)
    }
  }

  /** Which meters a refusal is to be put down to. */
  #limitedMeters(costs: Costs, said: string | undefined): (name: string) => boolean {
    // Of a meter that no cost was named for, requests are the measure there is.
    if (said !== undefined) return (name) => name === (said in costs ? said : 'requests')
    let byCost = false
    let unknown = false
    for (const [name, cost] of Object.entries(costs)) {
      const { suspicion } = this.#meter(name)
      suspicion.refused(cost)
      if (suspicion.verdict === true) byCost = true
      else if (suspicion.verdict === undefined) unknown = true
    }
    return (name) =>
      name === 'requests' ? !byCost : (this.#meter(name).suspicion.verdict ?? (unknown && !byCost))
  }

  /** The server fails. When it only does so, calls wait, and then go one by one until one is answered. */
  #failed(now: number): void {
    this.#failedInRow++
    if (this.#failedInRow < Math.max(DOWN_AFTER, this.#underWay)) return
    if (now < this.#pausedUntil) return
    this.pause(this.#backoff(this.#failedInRow - DOWN_AFTER + 1))
  }

  /** Exponential with jitter; each limit has its own chance. */
  #backoff(round: number): number {
    const most = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(round, 16))
    return most * (0.5 + 0.5 * hashUnit(this.#key, this.#draws++))
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

interface Meter {
  readonly pacer: Pacer
  readonly usage: Usage
  readonly suspicion: Suspicion
}

function meterOf(ceiling: number): Meter {
  return { pacer: new Pacer(ceiling), usage: new Usage(), suspicion: new Suspicion() }
}
