/**
 * What `millstream run FILE` hands to a function that FILE exports by default, to make its pipeline:
 * `export default ({ args }: ProgramContext) => ...`.
 */
export interface ProgramContext {
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  /** What follows `--` on the command line. */
  readonly args: readonly string[]
}
