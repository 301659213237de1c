import { DataError } from '../../errors/index.ts'
import type { Json, Token } from '../../stream/operator.ts'
import { findManifest, type Manifest, type Origin } from './manifest.ts'
import { StoreFile } from './store-file.ts'
import { StoreReading } from './store-reading.ts'
import { StoreWriter } from './store-writer.ts'

/** Elements of one pipeline in a folder, filled once by whichever process is first. */
export class DiskShelf {
  readonly #folder: string
  readonly #lines: Origin['lines']

  constructor(folder: string, lines: Origin['lines']) {
    this.#folder = folder
    this.#lines = lines
  }

  /** @throws DataError when the folder holds something else, or elements of another pipeline or seed. */
  async find(chance: () => number) {
    const manifest = await findManifest(this.#folder)
    if (manifest === undefined) return undefined
    this.#check(manifest, chance)
    const { elements, id } = manifest
    const reading = new StoreReading(() => StoreFile.open(this.#folder, manifest))
    return {
      id,
      start: manifest.plan?.start ?? null,
      read: (position: number, max: number) =>
        readFrom(reading, position, Math.min(max, elements - position)),
      close: () => reading.close(),
    }
  }

  async begin() {
    const writer = await StoreWriter.create(this.#folder)
    return {
      add: (items: readonly unknown[]) => writer.add(items),
      // Another process may have been first: its elements are the same, or its next reader is told that they are not.
      commit: async (chance: number | null, start: Token): Promise<void> => {
        await writer.commit({ lines: this.#lines, chance, start: short(start) })
      },
      abort: () => writer.abort(),
    }
  }

  #check({ plan }: Manifest, chance: () => number): void {
    const folder = this.#folder
    if (plan === undefined) {
      throw new DataError(
        `the folder ${folder} holds elements that were saved, not cached: read them by Dataset.load, or give the cache a folder of its own`,
      )
    }
    const difference = firstDifference(plan.lines, this.#lines)
    const out = 'Give the cache another folder, or delete this one to fill it anew'
    if (difference !== undefined) {
      throw new DataError(
        `the folder ${folder} holds the cache of another pipeline: ${difference}. ${out}`,
      )
    }
    if (plan.chance !== null && plan.chance !== chance()) {
      throw new DataError(
        `the folder ${folder} holds the cache of another seed, or of another place in a pipeline, and its elements follow from that. ${out}`,
      )
    }
  }
}

/** It goes into each checkpoint of a run that reads the folder. */
const LONGEST_START = 1000

function short(start: Token): Json {
  const text = JSON.stringify(start)
  return text.length <= LONGEST_START ? (JSON.parse(text) as Json) : null
}

async function readFrom(
  reading: StoreReading,
  position: number,
  count: number,
): Promise<readonly unknown[]> {
  if (count <= 0) return []
  const end = position + count
  const ready = await reading.ready(count, (k) => (position + k < end ? position + k : undefined))
  return Array.from({ length: ready }, (_, k) => reading.at(position + k))
}

function firstDifference(there: Origin['lines'], here: Origin['lines']): string | undefined {
  const length = Math.max(there.length, here.length)
  for (let k = 0; k < length; k++) {
    const [old, own] = [there[k], here[k]]
    if (old?.text === own?.text) continue
    return `where that has ${nameOf(old)}, this one has ${nameOf(own)}`
  }
  return undefined
}

const nameOf = (line: Origin['lines'][number] | undefined): string =>
  line === undefined ? 'nothing more' : `${line.id}: ${line.text}`
