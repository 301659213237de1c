import { basename, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `file:line` of the code that called `method`, for plans and errors; undefined where the stack does not
 * tell.
 */
export function callSite(method: (...args: never[]) => unknown): string | undefined {
  const holder: { stack?: string } = {}
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 1
  Error.captureStackTrace(holder, method)
  Error.stackTraceLimit = limit
  const found = /\(?((?:file:\/\/)?[^()\s]+):(\d+):\d+\)?$/.exec(holder.stack?.trim() ?? '')
  const [, file, line] = found ?? []
  return file === undefined || line === undefined ? undefined : `${shortened(file)}:${line}`
}

function shortened(file: string): string {
  const path = file.startsWith('file://') ? fileURLToPath(file) : file
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? basename(path) : near
}
