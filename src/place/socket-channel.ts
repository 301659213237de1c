import type { Socket } from 'node:net'
import { DefaultDeserializer, serialize } from 'node:v8'
import { messageOf } from '../errors/index.ts'
import type { Channel } from './channel.ts'

const HEAD_BYTES = 4

/**
 * A channel between two processes: each message is its length in 4 bytes, the lowest first, then its value as
 * `node:v8` writes it.
 */
export function socketChannel<Out, In>(socket: Socket): Channel<Out, In> {
  // The other end is gone; how it went is told by the process itself.
  socket.on('error', () => undefined)
  return {
    send: (message) => {
      const body = serialize(message)
      if (!socket.writable) return
      const head = Buffer.alloc(HEAD_BYTES)
      head.writeUInt32LE(body.length)
      socket.cork()
      socket.write(head)
      socket.write(body)
      socket.uncork()
    },
    receive: (listener, broken) => {
      const frames = new Frames()
      socket.on('data', (chunk) => {
        for (const body of frames.after(chunk)) {
          let message: In
          try {
            message = read(body)
          } catch (error) {
            broken(error instanceof Error ? error : new Error(messageOf(error)))
            continue
          }
          listener(message)
        }
      })
    },
    hold: (held) => {
      if (held) socket.ref()
      else socket.unref()
    },
    close: () => {
      socket.end()
    },
    closed: new Promise((resolve) => {
      if (socket.destroyed) resolve()
      else socket.once('close', () => resolve())
    }),
  }
}

/** Finds messages in a stream of bytes. */
class Frames {
  #parts: Buffer[] = []
  #have = 0
  /** Length of the message under way, once its head is here. */
  #body: number | undefined;

  /** The messages that are whole with these bytes. */
  *after(chunk: Buffer): Generator<Buffer> {
    this.#parts.push(chunk)
    this.#have += chunk.length
    for (;;) {
      if (this.#body === undefined) {
        if (this.#have < HEAD_BYTES) return
        this.#body = this.#take(HEAD_BYTES).readUInt32LE()
      }
      if (this.#have < this.#body) return
      const body = this.#take(this.#body)
      this.#body = undefined
      yield body
    }
  }

  #take(n: number): Buffer {
    const [first = Buffer.alloc(0)] = this.#parts
    const all = this.#parts.length > 1 && first.length < n ? Buffer.concat(this.#parts) : first
    const rest = all === first ? this.#parts.slice(1) : []
    this.#parts = all.length > n ? [all.subarray(n), ...rest] : rest
    this.#have -= n
    return all.subarray(0, n)
  }
}

/** The parts of `DefaultDeserializer` that its types leave out. */
interface HostObjects {
  _readHostObject(): NodeJS.ArrayBufferView
}

function read<T>(bytes: Buffer): T {
  const reader = new CopyingReader(bytes)
  reader.readHeader()
  return reader.readValue() as T
}

/** Views get buffers of their own: one that is kept keeps no others. */
class CopyingReader extends DefaultDeserializer {
  _readHostObject(): NodeJS.ArrayBufferView {
    const shared = (DefaultDeserializer.prototype as unknown as HostObjects)._readHostObject.call(
      this,
    )
    const { buffer, byteOffset, byteLength } = shared
    const own = buffer.slice(byteOffset, byteOffset + byteLength)
    if (Buffer.isBuffer(shared)) return Buffer.from(own)
    const type = shared.constructor as new (buffer: ArrayBufferLike) => NodeJS.ArrayBufferView
    return new type(own)
  }
}
