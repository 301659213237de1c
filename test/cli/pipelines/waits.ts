import { setTimeout as sleep } from 'node:timers/promises'
import { Dataset, to } from 'millstream'

interface Context {
  readonly args: readonly string[]
}

/** Gives its elements up, or waits with them until it is stopped. */
export default ({ args: [path = 'out.jsonl', how] }: Context) =>
  Dataset.range(3)
    .map(
      async (x, { signal }): Promise<number> => {
        if (how !== 'wait') throw new Error('not yet')
        process.stdout.write('began\n')
        await sleep(60_000, undefined, { signal })
        return x
      },
      { onError: 'deadLetter' },
    )
    .write(to.jsonl(path))
