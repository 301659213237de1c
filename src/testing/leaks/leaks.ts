import { setImmediate as nextTurn } from 'node:timers/promises'
import { enginesOpen, watchEngine } from './engine.ts'
import { type FileNumbers, fileNumbers, filesOpen } from './files.ts'
import { handlesOpened, watchHandles } from './handles.ts'
import { pause, timersOpen, watchTimers } from './timers.ts'
import { callerOf, placeOf } from './where.ts'

/** Something that was opened and is still open. */
export interface Leak {
  /** Such as `file /tmp/a.jsonl`, `timer of 500 ms, setTimeout` or `iteration map#2 (jobs/read.ts:12)`. */
  readonly what: string
  /** Places in the source that opened it, where they are known. */
  readonly where?: string
}

/** A watch for leaks failed. */
export class LeakError extends Error {
  readonly leaks: readonly Leak[]

  constructor(leaks: readonly Leak[], patience: number) {
    const lines = leaks.map(
      ({ what, where }) => `\n  ${what}${where ? `, opened at ${where}` : ''}`,
    )
    super(`${leaks.length} left open after ${patience} ms:${lines.join('')}`)
    this.name = 'LeakError'
    this.leaks = leaks
  }
}

/** How to watch for leaks. */
export interface LeakOptions {
  /** Milliseconds that closing may take. Only a check that fails waits so long. Default 10,000. */
  readonly patience?: number
  /** Leaks that are none, such as files that a native library keeps for the life of the process. Default: none. */
  readonly allow?: (leak: Leak) => boolean
}

/** What is open now and was not when the watch began. */
export interface LeakWatch {
  readonly leaks: () => readonly Leak[]
  /** Waits until nothing is left. @throws LeakError naming what is, and where it was opened where that is known. */
  readonly check: () => Promise<void>
}

/** Kinds of `process.getActiveResourcesInfo` that are known one by one, or are over with the turn. */
const KNOWN = new Set([
  'Timeout',
  'Immediate',
  'TickObject',
  'ProcessWrap',
  'Worker',
  'TCPServerWrap',
  'TCPSocketWrap',
])

/** Turns of the event loop before the check begins to sleep in between. */
const TURNS = 20
const PAUSE = 5

/**
 * Watches what is opened from here on: iterations and their operators, files (on Linux), timers, threads, processes,
 * servers, connections, and whatever else `process.getActiveResourcesInfo` counts. Nothing is in use behind a test that
 * closed what it opened:
 *
 * ```ts no-run
 * let watch: LeakWatch
 * beforeEach(() => void (watch = watchLeaks()))
 * afterEach(() => watch.check())
 * ```
 *
 * From the first call on, `setTimeout` and `setInterval` remember who called them. What Node keeps for `fetch` between
 * calls does not count.
 */
export function watchLeaks({
  patience = 10_000,
  allow = () => false,
}: LeakOptions = {}): LeakWatch {
  watchEngine()
  watchHandles()
  watchTimers()
  const before = snapshot()
  const leaks = (): readonly Leak[] => leaksSince(before).filter((leak) => !allow(leak))
  return {
    leaks,
    check: async () => {
      const end = performance.now() + patience
      for (let turns = 0; ; turns++) {
        const open = leaks()
        if (open.length === 0) return
        if (performance.now() > end) throw new LeakError(open, patience)
        await (turns < TURNS ? nextTurn() : pause(PAUSE))
      }
    },
  }
}

interface Snapshot {
  readonly known: ReadonlySet<object>
  readonly files: FileNumbers
  readonly counts: ReadonlyMap<string, number>
}

function snapshot(): Snapshot {
  const known = new Set([...enginesOpen(), ...handlesOpened().keys(), ...timersOpen().keys()])
  return { known, files: fileNumbers(), counts: counts() }
}

function leaksSince({ known, files, counts: before }: Snapshot): readonly Leak[] {
  const leaks: Leak[] = []
  for (const one of enginesOpen()) {
    if (known.has(one)) continue
    const state = one.asked ? ': closing has not come to an end' : ''
    const where = one.stack && callerOf(one.stack)
    leaks.push({ what: one.what + state, ...(where !== undefined && { where }) })
  }
  for (const [handle, { what, stack }] of handlesOpened()) {
    const name = known.has(handle) ? undefined : what()
    const where = name === undefined ? undefined : placeOf(stack)
    if (name !== undefined && where !== undefined) leaks.push({ what: name, where })
  }
  for (const [timer, { what, stack }] of timersOpen()) {
    const where = known.has(timer) ? undefined : placeOf(stack)
    if (where !== undefined) leaks.push({ what, where })
  }
  for (const path of filesOpen(files)) leaks.push({ what: `file ${path}` })
  for (const [kind, count] of counts()) {
    const more = count - (before.get(kind) ?? 0)
    if (more > 0) leaks.push({ what: `${more} ${kind}` })
  }
  return leaks
}

/** What keeps the process alive, by kind. */
function counts(): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) {
    if (!KNOWN.has(kind)) found.set(kind, (found.get(kind) ?? 0) + 1)
  }
  return found
}
