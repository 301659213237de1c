import { Dataset, to } from 'millstream'
import { Hold } from '../hold.ts'

interface Context {
  readonly args: readonly string[]
}

/** Rows that take some time, into a file of JSON lines or CSV; the last one waits for a hold. */
export default ({ args: [path = 'out.jsonl', length = '2000', hold = ''] }: Context) => {
  const holding = new Hold(hold)
  const rows = Dataset.range(Number(length))
    .shuffle(100)
    .map(
      async (id) => {
        if (id % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        if (id === Number(length) - 1) await holding.wait()
        return { id, text: `row "${id}"`, half: id / 2 }
      },
      { parallelism: 4 },
    )
  return rows.write(path.endsWith('.csv') ? to.csv(path) : to.jsonl(path))
}
