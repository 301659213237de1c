import type { ChangeKey } from './changes.ts'
import type { Json } from './operator.ts'

/**
 * The contract of what a run ends in. The position that a sink has committed is the one truth of a run: for
 * progress, for resuming, for what is done.
 */

/** A place for elements, described and not yet opened. */
export interface Sink<T> {
  /** How it is printed, such as `jsonl(out.jsonl)`. */
  readonly name: string
  /** What decides what is written and where: part of a run's fingerprint. */
  readonly structure: { readonly [name: string]: Json }
  /**
   * Elements of each chunk but the last, for sinks to which a repeated chunk must come with the elements that it
   * had before. Default: chunks are cut anywhere.
   */
  readonly chunk?: number
  /** True when it wants to hear of elements that are gone (`prune`), which only `onlyChanged` can tell. */
  readonly prunes?: boolean
  /** Opens it at what was committed last; nothing that was written since may stay. */
  readonly open: (context: SinkContext) => Promise<Writer<T>>
  /** Removes what a run that is given up has not finished. */
  readonly discard?: (run: string) => Promise<void>
  /** Why the output of a finished run is not there any more; undefined when it is. `state` is its last commit's. */
  readonly missing?: (state: Json) => Promise<string | undefined>
}

/** What a sink is opened with. */
export interface SinkContext {
  /** Names the run: the same when it is resumed, another one when it starts anew. */
  readonly run: string
  /** What the last `commit` returned; undefined when there was none. */
  readonly state: Json | undefined
  /**
   * For a run that goes on with the finished output of another: what that one's last `commit` returned. What this
   * run writes comes behind it, and what is there stays visible until this one is finished, too.
   */
  readonly behind?: Json
  /** Aborted when the run stops. */
  readonly signal: AbortSignal
}

/** Which elements a chunk holds. */
export interface SinkChunk {
  /** Number of the chunk, from 0; with the run's name it identifies the chunk. */
  readonly index: number
  /** Position of its first element among all that come out of the pipeline, from 0. */
  readonly first: number
}

/** An open sink. Its methods are called one at a time. */
export interface Writer<T> {
  /**
   * What the last `commit` was given, for sinks that keep it themselves, in one transaction with the elements:
   * then it counts, and not what the run has stored. Undefined: nothing was committed, or it is kept elsewhere.
   */
  readonly position?: Json | undefined
  /** Takes elements. A chunk that was written before, by the same run, has the same effect once. */
  readonly write: (chunk: SinkChunk, elements: readonly T[]) => Promise<void>
  /**
   * Keeps all that was written, with `position`; what it returns is what `open` gets next time. `durable` asks that it
   * survives a loss of power; else it is enough, and should be quick, that it survives the end of this process.
   */
  readonly commit: (position: Json, durable: boolean) => Promise<Json>
  /** After the last commit: makes the output visible, and closes. Repeated when the process died in it. */
  readonly finish: () => Promise<void>
  /**
   * Removes what was written, by any run, of elements whose keys `onlyChanged` does not find any more. After the last
   * `write`, some keys at a time, before the `commit` that keeps it; repeated when the process dies in between.
   * Without it such elements stay, and are counted.
   */
  readonly prune?: (keys: readonly ChangeKey[]) => Promise<void>
  /** Closes without finishing; what was committed stays. Must not reject, nor hang on a broken connection. */
  readonly abort: (cause: unknown) => Promise<void>
}
