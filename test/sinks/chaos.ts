import { existsSync, readdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hash } from '../../src/stream/random.ts'
import { type Ended, start } from '../cli/command.ts'

/** How often a run was killed, and how it ended in the end. */
export interface Survived extends Ended {
  readonly kills: number
  /** Where the runs behind a kill said they went on. */
  readonly resumedAt: readonly number[]
}

/**
 * Runs a command again and again: kills it at a moment that `seed` chooses, until it was killed `kills` times; then
 * lets it end. `working` tells when it has begun to work, so that not all moments lie in the start of Node.
 */
export async function killed(
  args: readonly string[],
  {
    kills,
    seed,
    working,
  }: { kills: number; seed: number; working: () => boolean | Promise<boolean> },
): Promise<Survived> {
  const resumedAt: number[] = []
  for (let n = 0; ; n++) {
    const { child, ended } = start('run', ...args)
    if (n < kills) {
      let over = false
      void ended.then(() => (over = true))
      while (!over && !(await working())) await sleep(2)
      await sleep(hash(seed, n) % 500)
      child.kill('SIGKILL')
    }
    const end = await ended
    const at = /resumed at (\d+)/.exec(end.stderr)?.[1]
    if (at !== undefined) resumedAt.push(Number(at))
    if (end.code !== null) return { ...end, kills: n, resumedAt }
  }
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
