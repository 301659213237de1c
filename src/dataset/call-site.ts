import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds this library's modules: `dist/`, or `src/` while it is developed. */
const library = fileURLToPath(new URL('..', import.meta.url))

/** Calls within the library between the user's code and `callSite`. */
const DEPTH = 6

/**
 * `file:line` of the user's code that is being run, for plans and errors; undefined where none is found. The stack
 * is taken now and read when somebody asks: reading costs twice as much, and functions of `flatMap` and the like
 * describe a dataset for each element.
 */
export function callSite(): () => string | undefined {
  let holder: { stack?: string } | undefined = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = DEPTH
  Error.captureStackTrace(holder, callSite)
  Error.stackTraceLimit = limit
  let place: string | undefined
  return () => {
    if (holder !== undefined) place = placeIn(holder.stack ?? '')
    holder = undefined
    return place
  }
}

function placeIn(stack: string): string | undefined {
  for (const frame of stack.split('\n').slice(1)) {
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
