import {
  type Ceilings,
  Controller,
  type ControllerState,
  newController,
  type Outcome,
  type StartedCall,
} from './controller.ts'

/** Milliseconds for which calls are let go in advance: what a killed process takes along at most. */
const AHEAD_MS = 100
/** After a refusal, until it is known to be the last, others are to hear of the next one before they go on. */
const CAREFUL_AHEAD_MS = 10
const CAREFUL_MS = 2_000
/** Milliseconds after which a process that says nothing counts as dead. */
export const SILENCE_MS = 3_000
/** Milliseconds between two looks for a place among those under way. */
export const LOOK_MS = 25

/** What processes know together of one limit. Times are milliseconds since 1970. */
export interface SharedLimit {
  /** When it was written. */
  at: number
  readonly controller: ControllerState
  members: { [id: string]: Member }
}

/** A process that uses the limit. */
interface Member {
  /** Its last write, which it counts: so it sees whether that came through. */
  readonly write: number
  readonly at: number
  /** What it declared; of several the lowest counts. */
  readonly ceilings: Ceilings
  /** Calls that went, or may go, and are not answered. */
  readonly underWay: number
  /** It has calls that wait. */
  readonly waits: boolean
}

/** What happened in a process since it wrote last, in order. */
export type Happened =
  | {
      readonly kind: 'left'
      readonly call: StartedCall
      readonly outcome: Outcome
      readonly at: number
    }
  | { readonly kind: 'given back'; readonly call: StartedCall }
  | { readonly kind: 'asked'; readonly until: number }

/** A process's turn to write. */
export interface Turn<T> {
  readonly member: string
  readonly write: number
  readonly now: number
  readonly ceilings: Ceilings
  readonly happened: readonly Happened[]
  /** Calls let go before and not answered, without those in `happened`. */
  readonly underWay: number
  /** The next calls of those that wait, in order. */
  readonly wanted: readonly T[]
}

/** A call that may go, at a time. */
export interface Grant<T> {
  readonly call: T
  readonly at: number
}

export interface Granted<T> {
  readonly grants: readonly Grant<T>[]
  /** When to ask again for what was wanted and not granted. */
  readonly again: number
}

interface Wanted {
  readonly costs: StartedCall['costs']
  readonly again: boolean
  /** Noted here when it has to wait. */
  pacedBy: string | undefined
}

/** Reads what `formatShared` wrote. Of half a text - its machine lost power - nothing is known. */
export function parseShared(text: string): SharedLimit {
  try {
    return JSON.parse(text, (_, value: unknown) => value ?? Infinity) as SharedLimit
  } catch {
    return { at: 0, controller: newController(), members: {} }
  }
}

/** JSON has no Infinity: it is written as null, and nothing else is. */
export function formatShared(shared: SharedLimit): string {
  return JSON.stringify(shared)
}

/**
 * Applies a process's turn to what is known: what happened there is learnt, and the calls that may go next are
 * granted, each for its time. A process gets its share of what may go within the next tenth of a second, and of the
 * places where their number is limited, so that no other waits for long, whoever comes first. `key` seeds the jitter
 * of pauses.
 */
export function takeTurn<T extends Wanted>(
  shared: SharedLimit,
  turn: Turn<T>,
  key: number,
): Granted<T> {
  const { now, member, ceilings, write } = turn
  // The clock was set back: what is to come stays as far away as it was.
  const back = Math.max(0, shared.at - now)
  shared.members = livingOf(shared, now, back)
  const others = Object.entries(shared.members)
    .filter(([id]) => id !== member)
    .map(([, other]) => other)
  const elsewhere = others.reduce((sum, { underWay }) => sum + underWay, 0)
  const lowest = lowestOf([ceilings, ...others.map((other) => other.ceilings)])
  const controller = new Controller(shared.controller, lowest, key)
  if (back > 0) controller.moveBy(-back)
  for (const one of turn.happened) learn(controller, one, elsewhere + turn.underWay)
  const sharers = 1 + others.filter(({ waits }) => waits).length
  const granted = grant(controller, turn, { elsewhere, sharers })
  const waits = granted.grants.length < turn.wanted.length
  const underWay = turn.underWay + granted.grants.length
  shared.members[member] = { write, at: now, ceilings, underWay, waits }
  shared.at = now
  return granted
}

/** Those that said something of late. `back`: by how much the clock was set back since the last write. */
function livingOf({ members }: SharedLimit, now: number, back: number): SharedLimit['members'] {
  const living = Object.entries(members).filter(([, { at }]) => at >= now + back - SILENCE_MS)
  return Object.fromEntries(living.map(([id, one]) => [id, { ...one, at: one.at - back }]))
}

function lowestOf(all: readonly Ceilings[]): Ceilings {
  const rates: { [meter: string]: number } = {}
  for (const ceilings of all) {
    for (const [meter, rate] of Object.entries(ceilings.rates)) {
      rates[meter] = Math.min(rate, rates[meter] ?? Infinity)
    }
  }
  return { rates, inFlight: Math.min(...all.map(({ inFlight }) => inFlight)) }
}

function learn(controller: Controller, happened: Happened, underWay: number): void {
  if (happened.kind === 'asked') controller.ask(happened.until)
  else if (happened.kind === 'given back') controller.giveBack(happened.call)
  else controller.leave(happened.call, happened.outcome, happened.at, underWay)
}

function grant<T extends Wanted>(
  controller: Controller,
  { now, wanted, underWay }: Turn<T>,
  { elsewhere, sharers }: { readonly elsewhere: number; readonly sharers: number },
): Granted<T> {
  const grants: Grant<T>[] = []
  const careful = now - controller.state.loweredAt < CAREFUL_MS
  const ahead = careful ? CAREFUL_AHEAD_MS : AHEAD_MS
  for (const call of wanted) {
    const own = underWay + grants.length
    const { most } = controller
    const full = own + elsewhere >= most || own >= Math.ceil(most / sharers)
    if (full) return { grants, again: now + LOOK_MS }
    const { ms, pacedBy } = controller.wait(call.costs, now)
    call.pacedBy = pacedBy ?? call.pacedBy
    const at = now + ms
    const mine = (grants[0]?.at ?? at) + ahead / sharers
    if (at > Math.min(mine, now + ahead)) {
      return { grants, again: Math.max(now + ahead / 4, at - ahead) }
    }
    controller.start(call, at)
    grants.push({ call, at })
  }
  return { grants, again: now }
}
