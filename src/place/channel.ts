import type { MessagePort } from 'node:worker_threads'

/**
 * The wire between two threads: messages in order, each seen once. Ports today; a ring in shared memory
 * fits behind the same members.
 */
export interface Channel<Out, In> {
  /**
   * Buffers in `transfer` move instead of being copied.
   *
   * @throws DataCloneError (nothing was sent) when the message holds something that cannot be copied.
   */
  send(message: Out, transfer?: readonly ArrayBuffer[]): void
  /** Starts to receive. One listener; `broken` is told of a message that arrived and cannot be read. */
  receive(listener: (message: In) => void, broken: (error: Error) => void): void
  /** Whether the channel keeps this thread from ending by itself. */
  hold(held: boolean): void
  /** Messages already sent still arrive. */
  close(): void
  /** Settles when either end closed or died, after the last message was received. */
  readonly closed: Promise<void>
}

/** A channel over one end of a `MessageChannel`. */
export function portChannel<Out, In>(port: MessagePort): Channel<Out, In> {
  return {
    send: (message, transfer = []) => {
      port.postMessage(message, transfer)
    },
    receive: (listener, broken) => {
      port.on('messageerror', broken)
      port.on('message', listener)
    },
    hold: (held) => {
      if (held) port.ref()
      else port.unref()
    },
    close: () => {
      port.close()
    },
    closed: new Promise((resolve) => {
      port.once('close', resolve)
    }),
  }
}
