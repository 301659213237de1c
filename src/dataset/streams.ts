import { Readable } from 'node:stream'
import { callbackify } from 'node:util'
import type { Iteration } from '../run/iteration.ts'

/** Options of `toReadableStream` and `toNodeStream` beside those of `iterate`. */
export interface StreamOptions {
  /** Elements that are ready before they are asked for. Default 1. */
  readonly highWaterMark?: number
}

/**
 * An iteration as a web stream: an element is made when there is room for it. Cancelling closes the iteration,
 * an error of it is the stream's, and so is an abort, also while nobody reads.
 */
export function webStreamOf<T>(
  iteration: Iteration<T>,
  highWaterMark: number,
  signal: AbortSignal | undefined,
): ReadableStream<T> {
  let forget = (): void => undefined
  return new ReadableStream<T>(
    {
      start(controller) {
        forget = onAbort(signal, (reason) => {
          iteration.close().then(
            () => controller.error(reason),
            (error: unknown) => controller.error(error),
          )
        })
      },
      async pull(controller) {
        const { done, value } = await iteration.next()
        if (done !== true) return controller.enqueue(value)
        forget()
        controller.close()
      },
      async cancel() {
        forget()
        await iteration.close()
      },
    },
    { highWaterMark },
  )
}

/** The same as a Node stream in object mode; destroying it closes the iteration. */
export function nodeStreamOf<T>(
  iteration: Iteration<T>,
  highWaterMark: number,
  signal: AbortSignal | undefined,
): Readable {
  const stream = new Readable({
    objectMode: true,
    highWaterMark,
    read() {
      iteration.next().then(
        ({ done, value }) => {
          if (done === true) this.push(null)
          else if (value === null || value === undefined) this.destroy(noElement(value))
          else this.push(value)
        },
        (error: unknown) => this.destroy(toError(error)),
      )
    },
    destroy(error, done) {
      forget()
      callbackify(() => iteration.close())((failed) => done(error ?? failed))
    },
  })
  const forget = onAbort(signal, (reason) => stream.destroy(toError(reason)))
  return stream
}

/** Calls `act` on abort, until it is told to forget. */
function onAbort(signal: AbortSignal | undefined, act: (reason: unknown) => void): () => void {
  const listener = (): void => act(signal?.reason)
  signal?.addEventListener('abort', listener, { once: true })
  return () => signal?.removeEventListener('abort', listener)
}

function noElement(value: unknown): TypeError {
  return new TypeError(`a Node stream cannot carry ${String(value)}: it stands for the end`)
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown })
}
