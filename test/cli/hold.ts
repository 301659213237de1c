import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Keeps runs from ending while a test kills them: a file, at which a pipeline waits with its last element. */
export class Hold {
  readonly path: string
  readonly #reached: string

  constructor(path: string) {
    this.path = path
    this.#reached = `${path}.reached`
  }

  /** Runs that are started from now on wait. */
  set(): void {
    writeFileSync(this.path, '')
    rmSync(this.#reached, { force: true })
  }

  release(): void {
    rmSync(this.path)
  }

  /** Whether a run has come to its last element. */
  get reached(): boolean {
    return existsSync(this.#reached)
  }

  /** In the pipeline: waits while it is set. */
  async wait(): Promise<void> {
    if (!existsSync(this.path)) return
    writeFileSync(this.#reached, '')
    while (existsSync(this.path)) await sleep(2)
  }
}
