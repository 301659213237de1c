import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isRunning, type ProcessName, thisProcess } from '../process.ts'
import { namesIn } from './manifest.ts'

/**
 * Folders that are being written, beside those that they will become. Their names say by which process, so that what
 * a killed one left is known as such.
 */

const OLD = '.old'

const prefixOf = (folder: string): string => `.${basename(folder)}.draft-`

/** A new draft of a folder, on the same file system. */
export function draftOf(folder: string): Promise<string> {
  const { pid, start, host } = thisProcess()
  const owner = `${pid}-${start ?? ''}-${encodeURIComponent(host)}-`
  return mkdtemp(join(dirname(folder), prefixOf(folder) + owner))
}

/** Where the folder goes that a draft takes the place of, for a moment. */
export const oldOf = (draft: string): string => draft + OLD

/** Removes what killed processes left of a folder that they were writing. */
export async function removeStaleDrafts(folder: string): Promise<void> {
  const parent = dirname(folder)
  for (const name of await readdir(parent)) {
    const owner = ownerOf(name, prefixOf(folder))
    if (owner === undefined || isRunning(owner) !== false) continue
    // Another process may be doing the same, or what is left belongs to somebody else: it only takes room then.
    await clear(join(parent, name), folder).catch(() => undefined)
  }
}

async function clear(left: string, folder: string): Promise<void> {
  // Killed between taking the old one away and putting the new one there: the old one is whole.
  if (left.endsWith(OLD) && (await namesIn(folder)) === undefined) await rename(left, folder)
  else await rm(left, { recursive: true, force: true })
}

function ownerOf(name: string, prefix: string): ProcessName | undefined {
  if (!name.startsWith(prefix)) return undefined
  const parts = /^(\d+)-(\d*)-(.*)-\w{6}(\.old)?$/.exec(name.slice(prefix.length))
  const [, pid, start, host] = parts ?? []
  if (pid === undefined || host === undefined) return undefined
  return {
    pid: Number(pid),
    start: start === '' ? null : (start ?? null),
    host: decodeURIComponent(host),
  }
}
