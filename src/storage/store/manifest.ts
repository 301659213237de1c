import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, DataError, messageOf } from '../../errors/index.ts'
import type { Json } from '../../stream/operator.ts'

/** A folder with elements: what it holds (this), the elements in chunks, and where each chunk starts. */
export const MANIFEST = 'millstream.json'
export const ELEMENTS = 'elements.bin'
export const CHUNKS = 'chunks.bin'

const FORMAT = 'millstream elements'

/** What a folder says of its elements. */
export interface Manifest {
  readonly format: typeof FORMAT
  readonly v: 1
  /** Follows from the elements' bytes. */
  readonly id: string
  readonly elements: number
  readonly chunks: number
  /** Of the elements' file. */
  readonly bytes: number
  /** CRC-32 of the file of chunks. */
  readonly crc: number
  /** What wrote it: newer Nodes read what older ones wrote, not always the other way round. */
  readonly node: string
  /** Of which pipeline they are, where it matters. */
  readonly plan?: Origin
}

/** The pipeline that made the elements. */
export interface Origin {
  /** Its operators, sources first: name and what decides their elements. */
  readonly lines: readonly { readonly id: string; readonly text: string }[]
  /** Stands for the seed; null when no element follows from it. */
  readonly chance: number | null
  /** State before the first element, where that decides with the operators which elements follow; null when it is long. */
  readonly start?: Json
}

export function manifestText(manifest: Omit<Manifest, 'format' | 'v' | 'node'>): string {
  const whole: Manifest = { format: FORMAT, v: 1, node: process.version, ...manifest }
  return `${JSON.stringify(whole, undefined, 1)}\n`
}

/** @throws DataError when there is none, or when it is not one. */
export function readManifestSync(folder: string): Manifest {
  try {
    return parse(folder, readFileSync(join(folder, MANIFEST), 'utf8'))
  } catch (error) {
    throw error instanceof DataError ? error : noStore(folder, error)
  }
}

/**
 * Undefined when there is no such folder, or nothing in it.
 *
 * @throws DataError when it holds something else.
 */
export async function findManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return parse(folder, await readFile(join(folder, MANIFEST), 'utf8'))
  } catch (error) {
    if (error instanceof DataError) throw error
    if (codeOf(error) !== 'ENOENT') throw noStore(folder, error)
    const names = await namesIn(folder)
    if (names === undefined || names.length === 0) return undefined
    throw new DataError(
      `the folder ${folder} holds something else (${names.slice(0, 3).join(', ')}); give one of its own`,
    )
  }
}

/** What is in a folder; undefined when there is none. */
export async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function parse(folder: string, text: string): Manifest {
  const file = join(folder, MANIFEST)
  let manifest: Partial<Manifest> | null
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null
  } catch (cause) {
    throw new DataError(`${file} is damaged: ${messageOf(cause)}. ${DELETE_IT(folder)}`, { cause })
  }
  if (manifest?.format !== FORMAT || manifest.v !== 1) {
    throw new DataError(`${file} is none of this version of Millstream. ${DELETE_IT(folder)}`)
  }
  return manifest as Manifest
}

/** The way out of every damage. */
export const DELETE_IT = (folder: string): string =>
  `Delete the folder ${folder} and write it anew: a cache does so by itself, other elements are saved again`

function noStore(folder: string, cause: unknown): DataError {
  const why =
    codeOf(cause) === 'ENOENT'
      ? 'has no elements that were saved or cached; dataset.save(folder) makes one'
      : `cannot be read: ${messageOf(cause)}`
  return new DataError(`the folder ${folder} ${why}; seen from ${process.cwd()}`, { cause })
}
