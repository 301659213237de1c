import type { Local } from '../stream/local.ts'
import type { Definition, StageRecord } from './record.ts'

/** A stage that is set up: the one way in which bare calls, `inline` and workers run a user's functions. */
export interface Runner {
  /** The user's result as it came, a promise or not. */
  run(x: unknown, local: Local): unknown
  /** Runs the user's teardown. */
  close(): Promise<void>
}

/** Runs the stage's setup. */
export async function openRunner({
  definition,
  config,
}: Pick<StageRecord, 'definition' | 'config'>): Promise<Runner & { readonly state: unknown }> {
  const state = await definition.setup?.(config)
  return {
    state,
    run: (x, local) => definition.run(x, state, local, config),
    close: async () => {
      await definition.teardown?.(state)
    },
  }
}

/** A runner that sets itself up at its first call. */
export class LazyRunner implements Runner {
  readonly #definition: Definition
  readonly #config: unknown
  #open: Promise<Runner> | undefined

  constructor(definition: Definition, config: unknown) {
    this.#definition = definition
    this.#config = config
  }

  run(x: unknown, local: Local): unknown {
    // A stage of a bare function stays synchronous when the function is.
    if (!this.#definition.setup) return this.#definition.run(x, undefined, local, this.#config)
    return this.#runner().then((runner) => runner.run(x, local))
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await (await open)?.close()
  }

  #runner(): Promise<Runner> {
    this.#open ??= openRunner({ definition: this.#definition, config: this.#config }).catch(
      (error: unknown) => {
        // The next call tries again: the failure may have been a moment's.
        this.#open = undefined
        throw error
      },
    )
    return this.#open
  }
}
