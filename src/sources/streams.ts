import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'

/**
 * A stream as an iterable whose `return` takes effect at once. The iterators that streams have queue it behind
 * the read under way, and a connection that says nothing would stay open for as long.
 */
export function closable<T>(
  iterable: Iterable<T> | AsyncIterable<T> | ReadableStream<T>,
): Iterable<T> | AsyncIterable<T> {
  if (iterable instanceof Readable) return { [Symbol.asyncIterator]: () => readNode<T>(iterable) }
  if (iterable instanceof ReadableStream) {
    return { [Symbol.asyncIterator]: () => readWeb(iterable) }
  }
  return iterable
}

function readNode<T>(stream: Readable): AsyncIterator<T, undefined> {
  const inner = stream[Symbol.asyncIterator]() as AsyncIterator<T, undefined>
  return {
    next: () => inner.next(),
    async return() {
      stream.destroy()
      // Being destroyed early is an error to `finished`, and here what was wanted.
      await finished(stream).catch(() => undefined)
      return { done: true, value: undefined }
    },
  }
}

function readWeb<T>(stream: ReadableStream<T>): AsyncIterator<T, undefined> {
  const reader = stream.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? { done: true, value: undefined } : { done: false, value }
    },
    async return() {
      await reader.cancel().catch(() => undefined) // it failed before, and its reader knows
      reader.releaseLock()
      return { done: true, value: undefined }
    },
  }
}
