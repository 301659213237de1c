/** Lets a thread know that it is a worker, whichever copy of the library asks. */
const key = Symbol.for('millstream.worker')

const shared = globalThis as { [key]?: string }

/** Marks this thread as a worker for the stage `label`. */
export function markWorker(label: string): void {
  shared[key] = label
}

/** The stage this thread works for; undefined in a program's main thread. */
export function workerOf(): string | undefined {
  return shared[key]
}
