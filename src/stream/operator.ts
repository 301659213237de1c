import type { PlanNode } from '../plan/node.ts'
import type { Budget } from './budget.ts'
import type { CallStore, KeptCalls } from './call-store.ts'
import type { Changes } from './changes.ts'
import type { Clock } from './clock.ts'
import type { Loan } from './loan.ts'
import type { Share } from './memory.ts'
import type { Origin } from './origin.ts'
import type { Chance } from './spec.ts'
import type { IdleReason, Knob, KnobRange } from './tuning.ts'

/**
 * The contract between operators. Chunks of elements are pulled; a token names the state between two pulls.
 * Operators see no clock, thread or telemetry: one caller, `run/guard.ts`, does all that around them.
 */

/** What survives a trip through JSON. */
export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A state, written out only when a checkpoint is asked for. Never changed once made. */
export type Token = Json | LazyToken | readonly Token[]

/** A token that is costly to write, or that follows a log that still grows. */
export interface LazyToken {
  /** Not a lazy token itself: JSON asks once. Its members may be. */
  toJSON(): Json | readonly Token[]
}

/** Neighbouring elements; never empty when it comes out of a pull. */
export type Chunk<T = unknown> = readonly T[]

/** What an operator's file writes. */
export interface Body<T = unknown> {
  /**
   * The next elements, or null for ever after the end. Called again only after it settled. It may reject
   * because of one element: the next call then goes on behind it.
   */
  pull(): Promise<Chunk<T> | null>
  /** The state after the last settled pull; not called during one. O(1), or O(open streams). */
  tok(): Token
  /** Where the elements of the chunk that the last pull handed out came from; true for ever. */
  origin?(): Origin | undefined
  /** What it waits for that is no input of it, in words: calls under way, workers. Asked when a run seems to hang. */
  waits?(): string | undefined
  /** Wakes what waits on something else than an input or the run's signal; pulls settle soon after. */
  stop?(): void
  /** Frees the operator's own resources. Inputs are closed by the caller, after this. */
  close?(): Promise<void>
}

/** A running operator as its reader sees it: `Body` with stopping and closing taken care of. */
export interface Operator<T = unknown> {
  pull(): Promise<Chunk<T> | null>
  tok(): Token
  /** Where the elements of the chunk that the last pull handed out came from; true for ever. */
  origin?(): Origin | undefined
  /** Tells the operator and everything above it to let go of what waits. */
  stop(): void
  /** Stops, waits for the pull in flight, closes the operator, then its inputs. Safe to call twice. */
  close(): Promise<void>
}

/** How big chunks should be. It adapts to the time and bytes of elements; it never changes a result. */
export interface Pace {
  /** Elements the next chunk should hold at most. */
  readonly max: number
  /** Work on a chunk begins. Junctions, which only hand on, leave it out: then time is no limit. */
  start(): void
  /** When work on the latest chunk began and ended, in milliseconds of `performance.now()`. */
  readonly started: number
  readonly ended: number
  /** It made `n` elements like `sample`. */
  note(n: number, sample: unknown): void
}

/** Takes times and counts from operators that do work of their own. */
export interface Meter {
  /** Milliseconds now, or 0 when nobody measures this chunk. */
  now(): number
  /** `n` elements, from ordinal `first`, were worked on in `lane` since `start`, a value of `now()`. */
  busy(start: number, n: number, lane?: string, end?: number, first?: number): void
  /** One operator's own share of a chunk, when `shares` is on. */
  share(stage: string, start: number, end: number, n: number): void
  /** Some of what goes to workers and comes back takes a slow way, because of its kind (`what`) or of its size. */
  detour(why: 'kind' | 'size', what: string): void
  /** A call was not made: its result was kept from an earlier one. */
  cached(): void
  /** Something waited for the limit of its calls. */
  limited(start: number, end: number): void
  /** Call `attempt` for an element failed; the next follows in `delay` milliseconds, and when its limit lets it. */
  retried(index: number, attempt: number, error: unknown, delay: number): void
  /** True when fused operators should be timed one by one. */
  readonly shares: boolean
  /** So many may work at once, calls or workers. */
  lanes(count: number): void
  /** Of a stage with a knob: one of its lanes begins to work, or has nothing to do. */
  laneBegins(): void
  laneRests(why: IdleReason): void
  /** True when somebody wants to be told of slow functions. */
  readonly watches: boolean
  /** The function of `node` held up the pipeline's thread for `ms` with one element. */
  slow(node: PlanNode, ms: number): void
  /** An element failed and was left out: by the operator of the meter, or by `stage`, which is fused with it. */
  skipped(index: number, element: unknown, error: unknown, stage?: string): void
  /** An element failed `attempts` times and went to the dead letters. */
  dead(index: number, element: unknown, error: unknown, attempts: number): void
}

/** `'late'` is for plans that are made per element: most are too short for generated code to pay. */
export type Codegen = 'now' | 'late' | 'never'

/** What an operator is opened with. */
export interface OpenContext {
  /**
   * Stands for (seed, this node, epoch): the chance of this node. To be read only where elements follow from it, and so
   * with `fixedKey` and `chanceOf`: a cache remembers whether any was.
   */
  readonly key: number
  /** The same for `Local`s, who say by `drew` when they draw, and for what decides no element. */
  localKey(node?: PlanNode): number
  /** An element followed from the seed. */
  drew(): void
  /** True when one did that came through the input in the epoch that caches freeze. */
  drewAbove(): boolean
  /** The same without the epoch, for what must not change between epochs. */
  readonly fixedKey: number
  /** Both for another node of the same segment. */
  chanceOf(node: PlanNode): Chance
  /** True when what `plan` hands out is decided while it runs, by the order of answers or by failures. */
  decides(plan: PlanNode): boolean
  /** Aborted when the run stops. */
  readonly signal: AbortSignal
  readonly meter: Meter
  /** The time for what waits on it: calls to the world. No result may depend on it, but by a log. */
  readonly clock: Clock
  /** What calls spend together, and may. */
  readonly budget: Budget
  /** A number that the run may change while it goes on; one for all openings of a stage. */
  knob(range: KnobRange): Knob
  /** How elements may be lent to the reader of this operator; undefined when they must be its own. */
  readonly loan: Loan | undefined
  /** What elements that wait here may hold. */
  share(): Share
  /** How loops run: generated at once, after the first some thousand elements, or never. */
  readonly codegen: Codegen
  pace(): Pace
  /** Opens input `input` from a state, within the same epoch. */
  open(input: number, from?: Json): Operator
  /** Opens input `input` in an epoch of its own; `'first'` is the one that caches freeze. */
  openEpoch(input: number, epoch: number | 'first', from?: Json): Operator
  /**
   * Opens a plan that a user's function made of element `ordinal` of this node's input: chance below it follows
   * from the ordinal. Resources of its stages live until it is closed. `source`: where the element came from.
   */
  openPlan(
    plan: PlanNode,
    ordinal: number,
    from?: Json,
    source?: () => string | undefined,
  ): Operator
  /**
   * Element `index` of this node's input failed `attempts` times and is given up. Go on when it resolved. Counts
   * it, and reports it: `meter.skipped` is not called beside it.
   */
  deadLetter(
    index: number,
    element: unknown,
    error: unknown,
    attempts: number,
    source?: string,
  ): void | Promise<void>
  /**
   * The element of this node between two states of it was left out: what it was made of is not done, if `onlyChanged`
   * stands above. Beside `deadLetter` and `meter.skipped`. Without `behind`: it was the last that came here.
   */
  leftOut(before: Token, behind?: Token): void
  /** What `onlyChanged` compares with; undefined where nothing is kept of runs. */
  readonly changes: Changes | undefined
  /** Where the run keeps results of calls; opened when it is first asked for. */
  callStore(): Promise<CallStore>
  /** Where results of calls are kept until the run has committed them; undefined in runs that keep nothing. */
  keptCalls(): KeptCalls | undefined
  /** A resource that lives as long as the run, whatever the epochs; closed with it. */
  perRun<V extends { close(): Promise<void> }>(make: () => V): V
  /** A value that lives as long as the plan's node does, shared by all its iterations. */
  shared<V extends object>(make: () => V): V
}
