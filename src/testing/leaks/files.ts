import { fstatSync, readdirSync, readlinkSync } from 'node:fs'

/** Where Linux lists the files that this process has open; elsewhere there is no such list. */
const LIST = '/proc/self/fd'

/** Numbers of open files, sockets and pipes. */
export type FileNumbers = ReadonlySet<string>

export function fileNumbers(): FileNumbers {
  try {
    const numbers = readdirSync(LIST)
    // One is the list's own, closed by now; the next file that is opened gets its number.
    return new Set(numbers.filter((number) => isOpen(Number(number))))
  } catch {
    return new Set() // not Linux
  }
}

function isOpen(number: number): boolean {
  try {
    fstatSync(number)
    return true
  } catch {
    return false
  }
}

/** Paths of files that are open and were not. */
export function filesOpen(before: FileNumbers): readonly string[] {
  const now = fileNumbers()
  if (now.size <= before.size) return [] // the usual case costs one look
  const paths: string[] = []
  for (const number of now) {
    const path = before.has(number) ? undefined : pathOf(number)
    if (path !== undefined) paths.push(path)
  }
  return paths
}

/** Undefined for what is no file, and for the list itself. */
function pathOf(number: string): string | undefined {
  try {
    const path = readlinkSync(`${LIST}/${number}`)
    return /^\/(?!dev\/|proc\/|memfd:)/.test(path) ? path : undefined
  } catch {
    return undefined // closed since
  }
}
