import { existsSync, readdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hash } from '../../src/stream/random.ts'
import { type Ended, start } from '../cli/command.ts'
import type { Hold } from '../cli/hold.ts'

/** How often a run was killed, and how it ended in the end. */
export interface Survived extends Ended {
  readonly kills: number
  /** Where the runs behind a kill said they went on. */
  readonly resumedAt: readonly number[]
}

/** How often the tests kill a run; 30 in the full size, with as many more elements. */
export const KILLS = Number(process.env['MILLSTREAM_KILLS'] ?? 4)

interface Faults {
  readonly seed: number
  /** Default: `KILLS`. */
  readonly kills?: number
  /** Keeps the run from ending before it was killed as often as it should. */
  readonly hold?: Hold
  /** Tells when the run has begun to work, so that not all moments lie in the start of Node. */
  readonly working: () => boolean | Promise<boolean>
}

/** Runs a command again and again: kills it at moments that `seed` chooses, then lets it end. */
export async function killed(
  args: readonly string[],
  { seed, kills = KILLS, hold, working }: Faults,
): Promise<Survived> {
  const resumedAt: number[] = []
  for (let n = 0; ; n++) {
    hold?.set()
    if (n === kills) hold?.release()
    const { child, ended } = start('run', ...args)
    if (n < kills) {
      await until(ended, async () => hold?.reached === true || (await working()))
      await sleep(hash(seed, n) % 500)
      child.kill('SIGKILL')
    }
    const end = await ended
    const at = /resumed at (\d+)/.exec(end.stderr)?.[1]
    if (at !== undefined) resumedAt.push(Number(at))
    if (end.code !== null) return { ...end, kills: n, resumedAt }
  }
}

/** Waits until something is true of a command, or it has ended. */
export async function until(
  ended: Promise<unknown>,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  let over = false
  void ended.finally(() => (over = true)).catch(() => undefined)
  while (!over && !(await condition())) await sleep(2)
}

/** True while a file beside `path` is being written. */
export function isGrowing(folder: string): () => boolean {
  const sizes = new Map<string, number>()
  return () => {
    if (!existsSync(folder)) return false
    for (const name of readdirSync(folder)) {
      if (!name.endsWith('.part')) continue
      const { size } = statSync(`${folder}/${name}`)
      const before = sizes.get(name)
      sizes.set(name, size)
      if (before !== undefined && size > before) return true
    }
    return false
  }
}
