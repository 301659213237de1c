import { mkdirSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallStore } from '../stream/call-store.ts'
import { CallLog } from './call-log.ts'

/** Results, and bytes of them, after which the ones before are dropped. */
const MOST = { results: 100_000, bytes: 64 * 1024 * 1024 }

/**
 * Results of calls that were made of late, for a run to go on without making them again. Nobody asks for one that is
 * committed, but which these are only a resume would find out; so there are two logs, and the older one is dropped
 * when the newer one is long. What a sink and the operators before it hold back is less, by far.
 */
export class RecentCalls implements CallStore {
  readonly #folder: string
  readonly #most: typeof MOST
  #number: number
  #newer: CallLog
  #older: CallLog | undefined
  /** The log before the older one, on its way out. */
  #dropped: Promise<void> = Promise.resolve()

  /** Reads the keys that are there. `most` is for tests. */
  constructor(folder: string, most = MOST) {
    this.#folder = folder
    this.#most = most
    mkdirSync(folder, { recursive: true })
    const numbers = readdirSync(folder).filter((name) => /^\d+$/.test(name))
    this.#number = Math.max(0, ...numbers.map(Number))
    if (numbers.includes(String(this.#number - 1))) this.#older = this.#log(this.#number - 1)
    this.#newer = this.#log(this.#number)
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return (await this.#newer.get(key)) ?? this.#older?.get(key)
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    await this.#newer.put(key, value)
    const { entries, bytes } = this.#newer
    if (entries >= this.#most.results || bytes >= this.#most.bytes) await this.#turn()
  }

  async close(): Promise<void> {
    await this.#dropped
    await Promise.all([this.#newer.close(), this.#older?.close()])
  }

  async #turn(): Promise<void> {
    const before = this.#dropped
    const old = this.#older
    const number = this.#number - 1
    this.#older = this.#newer
    this.#newer = this.#log(++this.#number)
    this.#dropped = before.then(() => this.#drop(old, number))
    await this.#dropped
  }

  async #drop(log: CallLog | undefined, number: number): Promise<void> {
    await log?.close()
    await rm(this.#path(number), { recursive: true, force: true })
  }

  #log(number: number): CallLog {
    return new CallLog(this.#path(number), { durable: false })
  }

  #path(number: number): string {
    return join(this.#folder, String(number))
  }
}
