import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** Lines on stdout: no more in memory than the reader takes, and quiet when the reader leaves. */
export class Output {
  readonly #stream: Writable
  readonly #left: () => void
  #error: Error | undefined
  #gone = false
  #pending = ''

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
    this.#pending += `${text}\n`
    return this.#pending.length < 16_384 ? undefined : this.flush()
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

  #fail(error: Error): void {
    if ('code' in error && error.code === 'EPIPE') {
      if (!this.#gone) this.#left()
      this.#gone = true
    } else this.#error = error
  }
}
