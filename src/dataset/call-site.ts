import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds this library's modules: `dist/`, or `src/` while it is developed. */
const library = fileURLToPath(new URL('..', import.meta.url))

/** Calls within the library between the user's code and `callSite`. */
const DEPTH = 6

/** `file:line` of the user's code that is being run, for plans and errors; undefined where none is found. */
export function callSite(): string | undefined {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = DEPTH
  Error.captureStackTrace(holder, callSite)
  Error.stackTraceLimit = limit
  for (const frame of (holder.stack ?? '').split('\n').slice(1)) {
    const [, file, line] = /\(?((?:file:\/\/)?[^()\s]+):(\d+):\d+\)?$/.exec(frame) ?? []
    if (file === undefined) continue
    const path = file.startsWith('file://') ? fileURLToPath(file) : file
    if (!path.startsWith(library)) return `${shortened(path)}:${line}`
  }
  return undefined
}

function shortened(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? basename(path) : near
}
