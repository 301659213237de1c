/** One turn of the event loop: timers, signals and finished I/O get their say. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
