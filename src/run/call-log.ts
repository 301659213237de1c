import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { InvalidArgumentError, StorageError } from '../errors/index.ts'
import { reasonOf } from '../errors/reason.ts'
import type { CallStore } from '../stream/call-store.ts'

/**
 * A record: bytes of the value, CRC-32 of key and value (both 32 bits, little endian), the key in 24 bytes, the
 * value. A process appends to a file of its own, so that several can use the folder; one that is killed leaves a
 * record cut off at the end of its file, which is left out.
 */
const KEY_BYTES = 24
const HEAD_BYTES = 8 + KEY_BYTES
/** Read at once while the keys of a file are collected. */
const WINDOW = 64 * 1024
/** Positions are `file * SPAN + offset`, exact in a number. */
const SPAN = 2 ** 40

/** Results of calls in append-only files of a folder. */
export class CallLog implements CallStore {
  readonly #folder: string
  readonly #durable: boolean
  readonly #files: (FileHandle | string)[] = []
  readonly #positions = new Map<string, number>()
  #own: Promise<OwnFile> | undefined
  #waiting: { readonly key: string; readonly record: Buffer; readonly done: () => void }[] = []
  #writing: Promise<void> | undefined
  readonly #reading = new Set<Promise<unknown>>()
  #bytes = 0

  /**
   * Reads the keys that are there. A log that is not `durable` survives the end of the process, but not a loss of power.
   */
  constructor(folder: string, { durable = true }: { readonly durable?: boolean } = {}) {
    this.#folder = folder
    this.#durable = durable
    try {
      mkdirSync(folder, { recursive: true })
      const names = readdirSync(folder).filter((name) => /^calls-.*\.log$/.test(name))
      for (const name of names.toSorted()) this.#index(join(folder, name))
    } catch (error) {
      throw cannotKeep(folder, error)
    }
  }

  /** Keys there are. */
  get entries(): number {
    return this.#positions.size
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.#bytes
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const position = this.#positions.get(key)
    if (position === undefined) return undefined
    const reading = this.#read(position)
    this.#reading.add(reading)
    try {
      return await reading
    } finally {
      this.#reading.delete(reading)
    }
  }

  async #read(position: number): Promise<Uint8Array | undefined> {
    const file = await this.#handle(Math.floor(position / SPAN))
    const offset = position % SPAN
    const head = Buffer.alloc(HEAD_BYTES)
    await file.read(head, 0, HEAD_BYTES, offset)
    const value = Buffer.alloc(head.readUInt32LE(0))
    if (value.length > 0) await file.read(value, 0, value.length, offset + HEAD_BYTES)
    return checksum(head, value) === head.readUInt32LE(4) ? value : undefined
  }

  /** Neighbouring writes go to the file together. */
  put(key: string, value: Uint8Array): Promise<void> {
    const record = recordOf(key, value)
    const written = new Promise<void>((resolve) => {
      this.#waiting.push({ key, record, done: resolve })
    })
    this.#writing ??= this.#write()
    return Promise.race([written, this.#writing.then(() => written)])
  }

  async close(): Promise<void> {
    try {
      await this.#writing
      const own = await this.#own
      if (this.#durable) await own?.file.sync()
    } finally {
      await Promise.allSettled(this.#reading)
      const opened = this.#files.filter((file) => typeof file !== 'string')
      await Promise.all(opened.map((file) => file.close()))
    }
  }

  async #write(): Promise<void> {
    try {
      this.#own ??= this.#openOwn()
      const own = await this.#own
      while (this.#waiting.length > 0) {
        const batch = this.#waiting
        this.#waiting = []
        await own.file.appendFile(Buffer.concat(batch.map(({ record }) => record)))
        for (const { key, record, done } of batch) {
          this.#positions.set(key, own.number * SPAN + own.bytes)
          own.bytes += record.length
          this.#bytes += record.length
          done()
        }
      }
    } catch (error) {
      this.#own = undefined // behind half a record nothing could be found again
      throw cannotKeep(this.#folder, error)
    } finally {
      this.#writing = undefined
    }
  }

  async #openOwn(): Promise<OwnFile> {
    const name = `calls-${process.pid}-${randomBytes(6).toString('hex')}.log`
    const file = await open(join(this.#folder, name), 'ax+')
    return { file, number: this.#files.push(file) - 1, bytes: 0 }
  }

  async #handle(number: number): Promise<FileHandle> {
    const file = this.#files[number]
    if (file === undefined) throw new TypeError(`there is no file ${number}`)
    if (typeof file !== 'string') return file
    const opened = await open(file, 'r')
    const now = this.#files[number]
    if (now !== undefined && typeof now !== 'string') {
      await opened.close() // somebody else opened it meanwhile
      return now
    }
    this.#files[number] = opened
    return opened
  }

  #index(path: string): void {
    const number = this.#files.push(path) - 1
    this.#bytes += statSync(path).size
    for (const [key, offset] of keysIn(path)) this.#positions.set(key, number * SPAN + offset)
  }
}

function cannotKeep(folder: string, cause: unknown): StorageError {
  return new StorageError(`cannot keep results of calls in ${folder}: ${reasonOf(cause)}`, {
    cause,
  })
}

interface OwnFile {
  readonly file: FileHandle
  readonly number: number
  bytes: number
}

function recordOf(key: string, value: Uint8Array): Buffer {
  if (Buffer.byteLength(key) > KEY_BYTES) throw new TypeError(`key ${key} is too long`)
  const record = Buffer.alloc(HEAD_BYTES + value.length)
  record.writeUInt32LE(value.length, 0)
  record.write(key, 8)
  record.set(value, HEAD_BYTES)
  record.writeUInt32LE(checksum(record.subarray(0, HEAD_BYTES), value), 4)
  return record
}

function checksum(head: Buffer, value: Uint8Array): number {
  const key = crc32(head.subarray(8))
  return value.length === 0 ? key : crc32(value, key) // without bytes it forgets the first
}

/** Keys of the whole records of a file, and where they begin. */
function* keysIn(path: string): Generator<readonly [string, number]> {
  const size = statSync(path).size
  const file = openSync(path, 'r')
  try {
    const window = Buffer.alloc(Math.min(WINDOW, Math.max(size, HEAD_BYTES)))
    let [start, filled] = [0, 0]
    for (let at = 0; at + HEAD_BYTES <= size;) {
      if (at + HEAD_BYTES > start + filled) {
        start = at
        filled = readSync(file, window, 0, window.length, at)
      }
      const head = window.subarray(at - start, at - start + HEAD_BYTES)
      const end = at + HEAD_BYTES + head.readUInt32LE(0)
      if (end > size) return
      yield [head.toString('latin1', 8).replace(/\0+$/, ''), at]
      at = end
    }
  } finally {
    closeSync(file)
  }
}

/** Opens the store of a run when a stage first asks for it. */
export class StoreOnDemand {
  #store: Promise<CallStore> | undefined
  #ours = false

  /** `where`: a folder or a store; what the environment says where it is left out. */
  open(where: string | CallStore | undefined): Promise<CallStore> {
    this.#store ??= Promise.resolve(where).then((given) => {
      if (typeof given === 'object') return given
      const folder = given ?? process.env['MILLSTREAM_CACHE'] ?? join('.millstream', 'cache')
      if (folder === '') throw new InvalidArgumentError('cache must name a folder')
      this.#ours = true
      return new CallLog(folder)
    })
    return this.#store
  }

  /** Closes what it opened itself. */
  async close(): Promise<void> {
    const store = await this.#store?.catch(() => undefined) // the stage that asked has the error
    if (this.#ours) await store?.close()
  }
}
