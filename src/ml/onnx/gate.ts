/**
 * A word of shared memory that says whether the engine's thread is inside native code. Node aborts the
 * whole process (SIGABRT) when it ends a thread that is, so that whoever ends the process must wait.
 */

const INSIDE = 0
const SHUT = 1

export class Gate {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  /** For the engine's thread, before native code. False: the gate is shut, stay out. */
  enter(): boolean {
    Atomics.store(this.#words, INSIDE, 1)
    // Written before it is read, here and in shut(): one of the two threads sees the other.
    if (Atomics.load(this.#words, SHUT) === 0) return true
    this.leave()
    return false
  }

  leave(): void {
    Atomics.store(this.#words, INSIDE, 0)
    Atomics.notify(this.#words, INSIDE)
  }

  /** From now on `enter` answers false. */
  shut(): void {
    Atomics.store(this.#words, SHUT, 1)
  }

  /** Blocks the calling thread until nobody is inside, at most so many milliseconds. */
  waitUntilEmpty(limit: number): void {
    Atomics.wait(this.#words, INSIDE, 1, limit)
  }
}

/** How long an ending process waits for a step in flight. */
const EXIT_LIMIT = 60_000

const open = new Set<Gate>()

/** Makes the end of the process, also by `process.exit` or an uncaught error, wait at this gate. */
export function guardExit(gate: Gate): void {
  if (open.size === 0) process.on('exit', waitForAll)
  open.add(gate)
}

/** Ends what `guardExit` began. */
export function releaseExit(gate: Gate): void {
  open.delete(gate)
  if (open.size === 0) process.off('exit', waitForAll)
}

function waitForAll(): void {
  for (const gate of open) gate.shut()
  for (const gate of open) gate.waitUntilEmpty(EXIT_LIMIT)
}
