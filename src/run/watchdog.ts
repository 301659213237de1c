import { StalledError } from '../errors/index.ts'
import { checkOptionNames } from '../operators/check.ts'
import { type Duration, durationMs } from '../stream/duration.ts'
import type { Observer } from '../trace/events.ts'

/** What happens when a run's reader waits and nothing comes out of any operator. */
export interface StallOptions {
  /** Time after which a `warning` event says what the run waits for, once for each reason. Default 1 minute. */
  readonly warn?: Duration
  /** Time after which the run fails with a StalledError. Default: never, since calls may take as long as they like. */
  readonly fail?: Duration
}

/** An operator that was asked for elements and waits for something else than its inputs. */
export interface Holdup {
  /** Node id of the stage, such as `map#2`. */
  readonly stage: string
  /** Place in the user's source where it was added. */
  readonly at?: string
  /** What it waits for. */
  readonly what: string
}

/** What the watchdog sees of a run. */
interface Watched {
  /** Grows with each chunk that comes out of an operator. */
  readonly progress: () => number
  readonly holdups: () => readonly Holdup[]
  readonly observe: Observer | undefined
}

const WARN_MS = 60_000
/** Looks in the shortest time that matters. */
const LOOKS = 4
const MAX_LOOK_MS = 5_000

/** Notices that a run has come to a halt while somebody waits for its elements. */
export class Watchdog {
  readonly #watched: Watched
  readonly #warnMs: number
  readonly #failMs: number
  readonly #lookMs: number
  readonly #warned = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  /** When the reader began to wait, or something moved since; undefined while nobody waits. */
  #since: number | undefined
  #progress = 0
  #fail: ((error: Error) => void) | undefined

  constructor(options: StallOptions = {}, watched: Watched) {
    checkOptionNames('stall', options, { warn: true, fail: true })
    const { warn = WARN_MS, fail } = options
    this.#watched = watched
    this.#warnMs = durationMs('stall', 'warn', warn)
    this.#failMs = fail === undefined ? Infinity : durationMs('stall', 'fail', fail)
    this.#lookMs = Math.min(MAX_LOOK_MS, this.#warnMs / LOOKS, this.#failMs / LOOKS)
  }

  /** Waits for a step of the run; rejects when it comes to a halt for too long. */
  async watch<R>(step: R | Promise<R>): Promise<R> {
    if (!(step instanceof Promise)) return step
    this.#timer = lookEvery(this.#lookMs, new WeakRef(this))
    this.#since = performance.now()
    try {
      if (this.#failMs === Infinity) return await step
      return await Promise.race([step, this.#failure()])
    } finally {
      clearInterval(this.#timer)
      this.#since = undefined
      this.#fail = undefined
    }
  }

  /** @internal */
  look(): void {
    if (this.#since === undefined) return
    const progress = this.#watched.progress()
    const now = performance.now()
    if (progress !== this.#progress) {
      this.#progress = progress
      this.#since = now
    }
    const ms = now - this.#since
    if (ms >= this.#warnMs) this.#warn(ms)
    if (ms >= this.#failMs) this.#fail?.(new StalledError(ms, this.#watched.holdups()))
  }

  #failure(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#fail = reject
    })
  }

  #warn(ms: number): void {
    const { observe, holdups } = this.#watched
    for (const { stage, at, what } of holdups()) {
      // The same with other numbers is no news.
      const news = `${stage} ${what.replaceAll(/\d+/g, '')}`
      if (this.#warned.has(news)) continue
      this.#warned.add(news)
      const message = `has handed on nothing for ${Math.round(ms / 1000)} s: it waits for ${what}`
      if (observe === undefined) process.emitWarning(`${stage} ${message}`, 'MillstreamWarning')
      else observe({ type: 'warning', code: 'no-progress', stage, ...(at && { at }), message })
    }
  }
}

/** An iteration that was dropped must stay garbage, and no timer of it may hold the program. */
function lookEvery(ms: number, of: WeakRef<Watchdog>): NodeJS.Timeout {
  const timer = setInterval(() => {
    const watchdog = of.deref()
    if (watchdog === undefined) clearInterval(timer)
    else watchdog.look()
  }, ms)
  return timer.unref()
}
