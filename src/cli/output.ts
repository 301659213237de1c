import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Characters held back at most. */
const full = 65_536

/** Writes lines to stdout; a reader that has left does not want them. */
export async function print(...lines: readonly string[]): Promise<void> {
  const output = new Output(process.stdout, () => undefined)
  for (const line of lines) await output.line(line)
  await output.end()
}

/** Lines on stdout: no more in memory than the reader takes, and quiet when the reader leaves. */
export class Output {
  readonly #stream: Writable
  readonly #left: () => void
  #error: Error | undefined
  #gone = false
  #pending = ''
  #scheduled = false

  /** `left` is called once when the reader went away, as `head` does. */
  constructor(stream: Writable, left: () => void) {
    this.#stream = stream
    this.#left = left
    stream.on('error', (error) => {
      this.#fail(error)
    })
  }

  /** Whether the reader went away. */
  get gone(): boolean {
    return this.#gone
  }

  /** Takes a line; a promise says when to go on. Throws when stdout is broken, a full disk for example. */
  line(text: string): Promise<void> | undefined {
    if (this.#error) throw this.#error
    this.#pending += `${text}\n`
    if (this.#pending.length >= full) return this.flush()
    // Elements come in chunks; the lines of one go out together, and none waits for the next.
    if (!this.#scheduled) setImmediate(() => void this.#flushLater())
    this.#scheduled = true
    return undefined
  }

  /** Writes what is held back. */
  async flush(): Promise<void> {
    const text = this.#pending
    this.#pending = ''
    if (this.#error) throw this.#error
    if (this.#gone || text === '' || this.#stream.write(text)) return
    // A stream that fails never drains.
    const failed = new AbortController()
    const fail = (): void => {
      failed.abort()
    }
    this.#stream.once('error', fail)
    try {
      await once(this.#stream, 'drain', { signal: failed.signal })
    } catch {
      if (this.#error) throw this.#error
    } finally {
      this.#stream.off('error', fail)
    }
  }

  /** Writes what is held back, and waits until it is out. Throws when it could not be written. */
  async end(): Promise<void> {
    await this.flush()
    await new Promise<void>((resolve) => this.#stream.write('', () => resolve()))
    if (this.#error) throw this.#error
  }

  async #flushLater(): Promise<void> {
    this.#scheduled = false
    try {
      await this.flush()
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  #fail(error: Error): void {
    if ('code' in error && error.code === 'EPIPE') {
      if (!this.#gone) this.#left()
      this.#gone = true
    } else this.#error = error
  }
}
