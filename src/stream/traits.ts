/** What `explain` says of an operator beside its parameters, where there is something to say. */
export interface Traits {
  /** How it runs, in a few words, such as `16 calls at once, order kept`. */
  readonly runs?: string
  /** Elements of its input that it holds at once at most; `Infinity` for all there are. */
  readonly holds?: number
  /** Elements of its input that a resume reads again on average, beyond a part of a chunk. */
  readonly rereads?: number
  /** What else a resume in the middle costs, such as `repeats the calls that were under way`. */
  readonly resume?: string
  /** Bytes of its own state in a checkpoint. Default: a few numbers. */
  readonly state?: number
}
