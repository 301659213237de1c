import { InvalidArgumentError } from '../errors/index.ts'
import type { ChangeKey } from '../stream/changes.ts'
import type { Sink, SinkChunk, SinkContext, Writer } from '../stream/sink.ts'

/** What a function that takes elements is told beside them. */
export interface CallContext {
  /** Names the run: the same when it is resumed, another one when it starts anew. */
  readonly run: string
  /**
   * Number of the chunk, from 0. A process that dies between the call and its record repeats the call, with the
   * same `run`, `chunk` and elements: what is stored by both is stored once.
   */
  readonly chunk: number
  /** Position of the chunk's first element among all elements of the run, from 0. */
  readonly first: number
  /** Aborted when the run stops. */
  readonly signal: AbortSignal
}

/** How a function is called with elements. */
export interface CallOptions {
  /** Elements in each call but the last. Default 1. */
  readonly size?: number
  /** Name for progress and errors. Default: the function's. */
  readonly name?: string
  /**
   * Behind `onlyChanged`: removes elements that the source does not have any more; gets up to 1,000 of their keys at a
   * time, once all else was written. A call is repeated when the process dies before the end of the run.
   */
  readonly prune?: (
    context: Pick<CallContext, 'run' | 'signal'>,
    keys: readonly ChangeKey[],
  ) => unknown
}

/**
 * Calls a function with the elements, one call at a time, and waits for what it returns. A call that was made and not
 * recorded is made again after a crash; its `run` and `chunk` tell.
 *
 * @throws InvalidArgumentError when `fn` is no function, or the size no whole number from 1.
 */
export function call<T>(
  fn: (context: CallContext, elements: readonly T[]) => unknown,
  options: CallOptions = {},
): Sink<T> {
  const { size = 1, prune } = options
  if (typeof fn !== 'function') throw new InvalidArgumentError('call takes a function')
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new InvalidArgumentError(`call: size must be a whole number from 1, not ${String(size)}`)
  }
  if (prune !== undefined && typeof prune !== 'function') {
    throw new InvalidArgumentError('call: prune takes a function')
  }
  const name = options.name ?? (fn.name === '' ? 'function' : fn.name)
  return {
    name: `call(${name})`,
    structure: { sink: 'call', name, size },
    chunk: size,
    prunes: prune !== undefined,
    open: async (context) => caller(fn, prune, context),
  }
}

function caller<T>(
  fn: (context: CallContext, elements: readonly T[]) => unknown,
  prune: CallOptions['prune'],
  { run, signal }: SinkContext,
): Writer<T> {
  return {
    write: async ({ index, first }: SinkChunk, elements: readonly T[]) => {
      await fn({ run, chunk: index, first, signal }, elements)
    },
    ...(prune && {
      prune: async (keys: readonly ChangeKey[]) => {
        await prune({ run, signal }, keys)
      },
    }),
    commit: async () => null,
    finish: async () => undefined,
    abort: async () => undefined,
  }
}
