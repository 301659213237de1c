import { constants } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DataError, messageOf } from 'millstream'

/**
 * Writes a file whole or not at all: a neighbour first, then renamed into place.
 *
 * @throws DataError where the disk is full or the folder cannot be written.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw diskError(path, error)
  }
}

/**
 * Makes a folder that can be written to, so that a wrong one is found before hours of work.
 *
 * @throws DataError where it cannot.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
    await access(path, constants.W_OK)
  } catch (error) {
    throw diskError(path, error)
  }
}

/**
 * Fills a folder whole or not at all: `fill` gets a new folder beside it, which is then renamed.
 *
 * @throws DataError where the disk is full or the folder cannot be written; what `fill` throws.
 */
export async function fillFolder(
  path: string,
  fill: (path: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  try {
    await mkdir(temporary, { recursive: true })
    await removeAbandoned(dirname(path))
    await fill(temporary)
    await rm(path, { recursive: true, force: true })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
    throw diskError(path, error)
  }
}

/** Leftovers of processes that were killed: named after a process that is no more. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = Number(/^\..+\.(\d+)\.tmp$/.exec(name)?.[1] ?? process.pid)
    if (pid !== process.pid && !isAlive(pid)) {
      await rm(join(folder, name), { recursive: true, force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** What a failed write means for the user; errors of other kinds come back as they are. */
export function diskError(path: string, error: unknown): unknown {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new DataError(
        `No space left to write ${path}. Free some, or name another place with --out or --cache.`,
        { cause: error },
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return new DataError(
        `${path} cannot be written (${messageOf(error)}). Name another place with --out or --cache.`,
        { cause: error },
      )
    default:
      return error
  }
}

/** The system's code of an error, or of what caused it. */
export function codeOf(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('code' in e && typeof e.code === 'string' && /^E[A-Z]+$/.test(e.code)) return e.code
    const named = /\b(ENOSPC|EDQUOT|EFBIG)\b/.exec(e.message)?.[1]
    if (named !== undefined) return named
  }
  return undefined
}
