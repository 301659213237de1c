import type { Clock } from '../../stream/clock.ts'
import type { Knob, KnobRange } from '../../stream/tuning.ts'
import type { Observer, RunEvent } from '../../trace/events.ts'
import type { StageCounter } from '../metrics.ts'
import { boundsOf, gainOf, type Load, rateOf, type Stretch } from './model.ts'
import { Search } from './search.ts'
import { StageKnob } from './stage-knob.ts'
import { reasonOf } from './text.ts'

/** Milliseconds of a stretch that is judged: at least, and at most, while times of elements still vary too much. */
const SHORTEST = 100
const LONGEST = 800
/** Milliseconds after which a change shows, or never will: nothing comes. */
const PATIENCE = 4 * LONGEST
/** Milliseconds until it looks again whether a stretch is long enough. */
const AGAIN = 20
/** Standard error of the time of an element that is good enough. */
const SURE = 0.02
/** From here on lanes are as busy as they get: there are gaps between chunks. */
const FULL = 0.8
/** A reader that waits less is the slower side. */
const LITTLE = 0.02

export interface TunerParts {
  readonly clock: Clock
  /** Cores that workers may compute on. */
  readonly cores: number
  /** False leaves every knob where it starts. */
  readonly on: boolean
  /** Milliseconds that the pipeline's thread was busy so far. */
  readonly threadMs: () => number
  /** Milliseconds that the reader waited so far. */
  readonly waitedMs: () => number
  readonly observe: Observer | undefined
}

/** A change under way. */
interface Trial {
  readonly knob: StageKnob
  readonly search: Search
  readonly from: number
  /** Rate of its stage before. */
  readonly before: number
  /** The factor that the model expects. */
  readonly predicted: number
}

/**
 * Turns the knobs of a run, one at a time: it finds the stage that bounds the pipeline, asks the model what more
 * lanes would bring, tries it, and goes back when the measured rate is not better. It has no timer: it looks when
 * chunks pass, so there is nothing to end with the run.
 */
export class Tuner {
  readonly #parts: TunerParts
  readonly #now: () => number
  readonly #knobs = new Map<string, StageKnob>()
  readonly #searches = new Map<StageKnob, Search>()
  #due = Infinity
  #begin = { at: 0, threadMs: 0, waitedMs: 0 }
  #trial: Trial | undefined
  /** Elements that are yet to pass before what was before, another value or the start, no longer shows. */
  #settling:
    { readonly knob: StageKnob; readonly elements: number; readonly until: number } | undefined
  #last: Stretch | undefined

  constructor(parts: TunerParts) {
    this.#parts = parts
    this.#now = () => parts.clock.now()
  }

  /** The knob of a stage; openings of one stage share it. */
  knob(stage: string, counter: StageCounter, range: KnobRange): Knob {
    const known = this.#knobs.get(stage)
    if (known !== undefined) return known
    // The pipeline's own thread needs a core too, but not all the time: later it may go further.
    const start = range.unit === 'workers' ? this.#workersOf(range, this.cores - 1) : range.start
    const knob = new StageKnob(stage, counter, { range: { ...range, start }, now: this.#now })
    this.#knobs.set(stage, knob)
    if (!knob.isBuffer) this.#settle(knob, 0)
    this.#restart()
    return knob
  }

  get knobs(): readonly StageKnob[] {
    return [...this.#knobs.values()]
  }

  get cores(): number {
    return this.#parts.cores
  }

  /** What was last measured while nothing was tried. */
  get last(): Stretch | undefined {
    return this.#last
  }

  /** A chunk has passed. */
  look(): void {
    if (this.#due === Infinity) return
    const now = this.#now()
    if (now < this.#due) return
    this.#due = now + AGAIN
    if (this.#settling !== undefined) {
      const { knob, elements, until } = this.#settling
      if ((knob.done < elements || !knob.isInEffect) && now < until) return
      this.#settling = undefined
      this.#restart()
      return
    }
    if (this.#isMeasured(now)) this.#step(this.#measure(now))
  }

  #isMeasured(now: number): boolean {
    const ms = now - this.#begin.at
    if (ms < SHORTEST) return false
    const knobs = this.#trial === undefined ? this.knobs : [this.#trial.knob]
    return knobs.every(
      (knob) => knob.isBuffer || (ms >= LONGEST ? isTelling(knob, ms) : knob.isSteady(ms, SURE)),
    )
  }

  #measure(now: number): Stretch {
    const ms = Math.max(1e-3, now - this.#begin.at)
    const { threadMs, waitedMs } = this.#parts
    return {
      loads: this.knobs
        .filter(({ range }) => range.unit !== 'elements')
        .map((knob) => knob.load(ms)),
      thread: Math.min(1, (threadMs() - this.#begin.threadMs) / ms),
      readerWaits: Math.min(1, (waitedMs() - this.#begin.waitedMs) / ms),
    }
  }

  #step(stretch: Stretch): void {
    for (const knob of this.knobs) if (knob.isBuffer) this.#size(knob)
    if (this.#trial !== undefined) this.#judge(this.#trial, stretch)
    else {
      this.#last = stretch
      this.#consider(stretch)
    }
    this.#restart()
  }

  /** Tries another value of the knob that bounds the pipeline, if one does and there is one to try. */
  #consider(stretch: Stretch): void {
    const load = this.#boundBy(stretch)
    const knob = load && this.#knobs.get(load.stage)
    if (load === undefined || knob === undefined || knob.isPinned || !this.#parts.on) return
    const search = this.#searchOf(knob)
    const to = search.next(load.lanes, rateOf(load), {
      now: this.#now(),
      least: knob.range.least,
      most:
        knob.range.unit === 'workers'
          ? this.#workersOf(knob.range, this.cores, knob)
          : knob.range.most,
      wanted: wantedOf(load, stretch, this.cores),
    })
    if (to === undefined) {
      knob.ceiling = search.ceiling
      return
    }
    const lanes = (other: Load): number => (other === load ? to : other.lanes)
    this.#trial = {
      knob,
      search,
      from: load.lanes,
      before: rateOf(load),
      predicted: gainOf(stretch, this.cores, lanes),
    }
    knob.turn(to)
    this.#settle(knob, load.lanes)
  }

  #judge({ knob, search, from, before, predicted }: Trial, stretch: Stretch): void {
    this.#trial = undefined
    const load = stretch.loads.find(({ stage }) => stage === knob.stage)
    const to = knob.value
    const rate = load === undefined ? 0 : rateOf(load)
    const kept = search.judge(to, rate)
    if (kept !== to) {
      knob.turn(kept)
      this.#settle(knob, to)
    }
    const gain = before === 0 ? 1 : rate / before
    const reason = reasonOf({ from, to, kept, gain, predicted, unit: knob.range.unit })
    knob.note(reason, kept === to)
    const { stage, range } = knob
    this.#tell({ stage, unit: range.unit, from, to, kept, predicted, measured: gain, reason })
  }

  #size(knob: StageKnob): void {
    const { stage, range, seen, value: from } = knob
    if (knob.isPinned || !this.#parts.on) return
    const to = knob.buffer.next(from, seen, range.most)
    if (to === from) return
    knob.turn(to)
    const reason =
      to > from
        ? `${from} were empty at times and full at others`
        : `${from} were empty as often as ${to}`
    knob.note(reason, true)
    this.#tell({ stage, unit: range.unit, from, to, kept: to, reason })
  }

  #tell(change: Omit<Extract<RunEvent, { type: 'tune' }>, 'type'>): void {
    this.#parts.observe?.({ type: 'tune', ...change })
  }

  /** The stage whose lanes bound the pipeline, if it is one. */
  #boundBy(stretch: Stretch): Load | undefined {
    if (stretch.readerWaits < LITTLE) return undefined
    const bound = boundsOf(stretch, this.cores).find(({ what }) => what !== 'ceiling')
    const load = stretch.loads.find(({ stage }) => stage === bound?.stage)
    return load !== undefined && load.occupied >= FULL * load.lanes ? load : undefined
  }

  #searchOf(knob: StageKnob): Search {
    let search = this.#searches.get(knob)
    if (search === undefined) this.#searches.set(knob, (search = new Search()))
    return search
  }

  /** How many workers a stage may have of so many cores: what others leave, and one in any case. */
  #workersOf({ least, most, start }: KnobRange, cores: number, own?: StageKnob): number {
    if (least === most) return start
    const others = this.knobs.filter((knob) => knob !== own && knob.range.unit === 'workers')
    const left = cores - others.reduce((sum, { value }) => sum + value, 0)
    return Math.max(least, Math.min(most, left))
  }

  /** Those under way end, then a round goes beside their rest. */
  #settle(knob: StageKnob, before: number): void {
    const elements = before + 2 * knob.value
    this.#settling = { knob, elements, until: this.#now() + PATIENCE }
  }

  #restart(): void {
    const now = this.#now()
    const { threadMs, waitedMs } = this.#parts
    this.#begin = { at: now, threadMs: threadMs(), waitedMs: waitedMs() }
    for (const knob of this.knobs) knob.restart()
    this.#due = now + (this.#settling === undefined ? SHORTEST : AGAIN)
  }
}

/** True when slow elements have come out, or none are to be waited for. */
function isTelling(knob: StageKnob, ms: number): boolean {
  return knob.done >= knob.value || knob.load(ms).occupied < FULL * knob.value
}

/** How many lanes would be enough until something else bounds the pipeline. */
function wantedOf(load: Load, stretch: Stretch, cores: number): number {
  const other = boundsOf(stretch, cores).find(
    ({ what, stage }) => !(stage === load.stage && (what === 'lanes' || what === 'ceiling')),
  )
  return load.occupied * (other?.headroom ?? Infinity)
}
