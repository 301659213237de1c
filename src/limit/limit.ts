import { join } from 'node:path'
import { InvalidArgumentError } from '../errors/index.ts'
import { failureOf, pauseOf, remainingOf } from '../http/index.ts'
import type { Costs } from '../stream/budget.ts'
import { type Clock, systemClock } from '../stream/clock.ts'
import { keyOfText } from '../stream/random.ts'
import { costsOf } from './cost.ts'
import type { Ceilings, Outcome } from './controller.ts'
import { type Limiter, LocalLimiter } from './limiter.ts'
import type { Ticket } from './tickets.ts'
import { type Rate, rateOf } from './rate.ts'
import { Registry } from './registry.ts'
import { FileState, folderOf } from './shared-file.ts'
import { SharedLimiter } from './shared-limiter.ts'

/** What is known about a limit. What is left out is learnt from the server's answers. */
export interface LimitOptions {
  /** Calls that may be made. */
  readonly requests?: Rate
  /** What calls may cost together, in the unit of `map`'s `cost`. */
  readonly tokens?: Rate
  /** Calls under way at most. */
  readonly inFlight?: number
  /**
   * Processes of this machine that use the name keep to the limit together, also where it is only learnt, and what
   * was learnt is there the next time. `true` shares it by a folder: that of the environment variable
   * MILLSTREAM_LIMITS, or `.millstream/limits` in the working directory; a text names another one. Default: false,
   * each process for itself.
   */
  readonly shared?: boolean | string
}

interface Shared {
  readonly options: { current: LimitOptions | undefined }
  /** One for each clock: that of the machine, and those of tests. */
  readonly limiters: Map<Clock, Limiter>
}

const registry = new Registry<Shared>(
  () => ({ options: { current: undefined }, limiters: new Map() }),
  ({ limiters }) => [...limiters.values()].every((limiter) => limiter.idle),
)

/**
 * How often and at what cost calls may be made: made by `limit(name)`. All that use the name share it.
 */
export class Limit {
  readonly name: string
  readonly #shared: Shared

  /** Use `limit`. @internal */
  constructor(name: string, options: LimitOptions | undefined) {
    this.name = name
    this.#shared = registry.get(name)
    if (options !== undefined) this.#declare(options)
  }

  /** What was declared, by whoever used the name. */
  get options(): LimitOptions {
    return this.#shared.options.current ?? {}
  }

  /** The one that decides, in the time of `clock`. @internal */
  limiter(clock: Clock): Limiter {
    const { limiters } = this.#shared
    const known = limiters.get(clock)
    if (known !== undefined) return known
    const made = this.#make(clock)
    limiters.set(clock, made)
    return made
  }

  #make(clock: Clock): Limiter {
    const ceilings = ceilingsOf(this.name, this.options)
    const folder = sharedFolder(this.options)
    const key = keyOfText(this.name)
    if (folder === undefined) return new LocalLimiter(clock, ceilings, key)
    return new SharedLimiter(clock, new FileState(folderOf(folder, this.name)), ceilings, key)
  }

  /**
   * Tells the limit what a server answered: when nothing remains until a reset, all calls wait for that. Errors
   * that `map`'s function throws are noted by themselves, successes are not.
   */
  note(answer: unknown): void {
    const pause = pauseOf(answer)
    if (pause !== undefined) this.limiter(systemClock).ask(pause)
  }

  /**
   * Calls `fn` when the limit lets it, for calls beside pipelines. Refusals are noted and thrown; nothing is tried
   * again. `signal` ends the wait, and is handed on to `fn`.
   *
   * ```ts
   * const answer = await openai.run((signal) => fetch(url, { signal }), { signal: AbortSignal.timeout(60_000) })
   * ```
   *
   * @throws what `fn` throws, the signal's reason, and InvalidArgumentError when `cost` is no number from 0 on.
   */
  async run<R>(
    fn: (signal: AbortSignal) => R | Promise<R>,
    options: { readonly cost?: number; readonly signal?: AbortSignal } = {},
  ): Promise<R> {
    const limiter = this.limiter(systemClock)
    const { cost, signal = new AbortController().signal } = options
    const costs = cost === undefined ? {} : costsOf(`limit ${this.name}: cost`, cost)
    const ticket = await turnOf(limiter, costs, signal)
    try {
      const result = await fn(signal)
      limiter.leave(ticket, { kind: 'ok' })
      return result
    } catch (error) {
      limiter.leave(ticket, outcomeOf(error, costs, Date.now()))
      throw error
    }
  }

  #declare(options: LimitOptions): void {
    const { options: known, limiters } = this.#shared
    if (known.current !== undefined) {
      checkSame(this.name, known.current, options)
      return
    }
    const ceilings = ceilingsOf(this.name, options)
    known.current = options
    for (const limiter of limiters.values()) {
      if (limiter instanceof LocalLimiter) limiter.declare(ceilings)
    }
    // What was let go already goes by the old one.
    if (sharedFolder(options) !== undefined) limiters.clear()
  }
}

/**
 * A limit for calls to the world, by name: every `limit(name)` of the process is the same one, so that several
 * stages and runs share a quota. What is declared is the ceiling; below it, and without it, the rates that the
 * server really bears are learnt from its refusals. A `Retry-After` pauses all calls of the limit.
 *
 * ```ts
 * const openai = limit('openai', { requests: '5000/min', tokens: '1M/min' })
 * const vectors = docs.map(embed, { limit: openai, cost: (doc) => doc.tokens })
 * ```
 *
 * @throws InvalidArgumentError when the name was declared with other rates, or a rate cannot be read.
 */
export function limit(name: string, options?: LimitOptions): Limit {
  if (typeof name === 'string' && name !== '') return new Limit(name, options)
  throw new InvalidArgumentError(`limit takes a name, not ${JSON.stringify(name)}`)
}

/** Waits until a call may go. Rejects with the signal's reason when that is aborted first. */
function turnOf(limiter: Limiter, costs: Costs, signal: AbortSignal): Promise<Ticket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const onAbort = (): void => {
      limiter.cancel(waiting)
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const settled =
      <T>(settle: (value: T) => void) =>
      (value: T): void => {
        signal.removeEventListener('abort', onAbort)
        settle(value)
      }
    const waiting = limiter.enter({
      costs,
      again: false,
      go: settled(resolve),
      fail: settled(reject),
    })
  })
}

/** What an error of a call means for its limit. */
export function outcomeOf(error: unknown, costs: Costs, date: number): Outcome {
  const exhausted = Object.entries(remainingOf(error))
    .filter(([meter, left]) => left < (meter === 'requests' ? 1 : (costs[meter] ?? 0)))
    .map(([meter]) => meter)
  const meter = exhausted.length === 1 ? exhausted[0] : undefined
  return { kind: failureOf(error), pause: pauseOf(error, date), meter }
}

const rateNames = ['requests', 'tokens'] as const
const optionNames = [...rateNames, 'inFlight', 'shared'] as const

function ceilingsOf(name: string, options: LimitOptions): Ceilings {
  const rates: { [meter: string]: number } = {}
  const known: readonly string[] = optionNames
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    throw new InvalidArgumentError(`limit ${name} has no ${option}: it takes ${known.join(', ')}`)
  }
  for (const meter of rateNames) {
    if (options[meter] !== undefined) rates[meter] = rateOf(`limit ${name}`, meter, options[meter])
  }
  const { inFlight = Infinity, shared = false } = options
  if (typeof shared !== 'boolean' && (typeof shared !== 'string' || shared === '')) {
    throw new InvalidArgumentError(
      `limit ${name}: shared must be true or a folder, not ${JSON.stringify(shared)}`,
    )
  }
  if (inFlight >= 1) return { rates, inFlight }
  throw new InvalidArgumentError(`limit ${name}: inFlight must be at least 1, not ${inFlight}`)
}

function sharedFolder({ shared = false }: LimitOptions): string | undefined {
  if (typeof shared === 'string') return shared
  return shared ? (process.env['MILLSTREAM_LIMITS'] ?? join('.millstream', 'limits')) : undefined
}

function checkSame(name: string, known: LimitOptions, options: LimitOptions): void {
  for (const key of optionNames) {
    if (known[key] === options[key]) continue
    throw new InvalidArgumentError(
      `limit ${name} was declared with ${key} ${known[key] ?? 'left out'} and now with ` +
        `${options[key] ?? 'none'}: declare it once, and use limit('${name}') elsewhere`,
    )
  }
}
