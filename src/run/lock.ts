import { link, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, LockedError } from '../errors/index.ts'
import { isRunning, type ProcessName, thisProcess } from '../storage/process.ts'

/**
 * One owner of a folder at a time, whatever dies when. Locks are numbered files: the one with the highest number
 * counts, and is never removed before there is a higher one. Whoever finds that its owner is gone makes the next
 * number, which only one can; so there is no moment at which two take over the same dead lock.
 */
export interface Lock {
  /** Lets others have it. Safe to call twice. */
  release(): Promise<void>
}

/** Whose lock it is. */
interface Owner extends ProcessName {
  readonly since: string
  readonly released?: true
}

/** Milliseconds between signs of life, for owners on machines whose processes cannot be seen from here. */
const BEAT = 10_000
/** Milliseconds after which such an owner counts as dead. */
const SILENCE = 6 * BEAT

/** Takes the lock of `folder`. @throws LockedError when somebody has it. */
export async function takeLock(folder: string): Promise<Lock> {
  const me: Owner = { ...thisProcess(), since: new Date().toISOString() }
  const draft = join(folder, `.lock-${process.pid}-${Math.random().toString(36).slice(2)}`)
  await writeFile(draft, JSON.stringify(me))
  try {
    for (;;) {
      const top = await highest(folder)
      if (top > 0) await refuseIfOwned(folder, top, draft)
      if (!(await linked(draft, pathOf(folder, top + 1)))) continue
      if ((await highest(folder)) === top + 1) return held(folder, top + 1, me)
      await rm(pathOf(folder, top + 1), { force: true }) // others have gone on from here meanwhile
    }
  } finally {
    await rm(draft, { force: true })
  }
}

async function held(folder: string, number: number, me: Owner): Promise<Lock> {
  const path = pathOf(folder, number)
  for (const below of await numbers(folder)) {
    if (below < number) await rm(pathOf(folder, below), { force: true })
  }
  const beat = setInterval(() => {
    showLife(path).catch(() => undefined) // the folder may be gone
  }, BEAT)
  beat.unref()
  let released: Promise<void> | undefined
  return { release: () => (released ??= release(path, me, beat)) }
}

/** Writes the first byte again: the file system stamps it by its own clock, as it does the files it is compared with. */
async function showLife(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.write('{', 0)
  } finally {
    await file.close()
  }
}

async function release(path: string, me: Owner, beat: NodeJS.Timeout): Promise<void> {
  clearInterval(beat)
  await writeFile(`${path}.released`, JSON.stringify({ ...me, released: true }))
  await rename(`${path}.released`, path)
}

async function refuseIfOwned(folder: string, number: number, draft: string): Promise<void> {
  const owner = await ownerOf(pathOf(folder, number))
  if (owner === undefined || owner.released === true) return
  const runs = isRunning(owner)
  if (!(runs ?? (await ageOf(pathOf(folder, number), draft)) < SILENCE)) return
  const where = runs === undefined ? ` on ${owner.host}` : ''
  throw new LockedError(
    `another run of this pipeline is under way: process ${owner.pid}${where}, since ${owner.since}, holds ${folder}. ` +
      'Wait for it, stop it, or give this run a state folder of its own (--state DIR)',
  )
}

/** Milliseconds between the last signs of life of two files, by the clock of the file system they are on. */
async function ageOf(path: string, fresh: string): Promise<number> {
  const [then, now] = await Promise.all([stat(path), stat(fresh)])
  return now.mtimeMs - then.mtimeMs
}

const pathOf = (folder: string, number: number): string => join(folder, `lock-${number}`)

async function numbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder)
  return names.map((name) => Number(/^lock-(\d+)$/.exec(name)?.[1] ?? 0))
}

async function highest(folder: string): Promise<number> {
  return Math.max(0, ...(await numbers(folder)))
}

/**
 * Undefined when the file was removed since it was listed: then there is a higher one. Also of half a file: locks come
 * as a whole, so its machine lost power before the file was on disk, and its owner with it.
 */
async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Owner
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** False when the name is taken. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
