import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { codeOf } from '../errors/index.ts'

/** A process, so that another one can tell later whether it is still there. */
export interface ProcessName {
  readonly pid: number
  readonly host: string
  /** When the process began, where the system tells: numbers of processes are used again. */
  readonly start: string | null
}

export function thisProcess(): ProcessName {
  return { pid: process.pid, host: hostname(), start: startOf(process.pid) }
}

/** Whether a process runs; undefined for one of another machine. */
export function isRunning({ pid, host, start }: ProcessName): boolean | undefined {
  if (host !== hostname()) return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  const now = startOf(pid)
  return start === null || now === null || now === start
}

/** When a process began, in ticks since the machine did; null where the system does not tell. */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Field 22; the name in field 2 may hold anything but ends with the last bracket.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
