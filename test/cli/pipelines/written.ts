import { Dataset, to } from 'millstream'

interface Context {
  readonly args: readonly string[]
}

/** Rows that take some time, into a file of JSON lines or CSV. */
export default ({ args: [path = 'out.jsonl', length = '2000'] }: Context) => {
  const rows = Dataset.range(Number(length))
    .shuffle(100)
    .map(
      async (id) => {
        if (id % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        return { id, text: `row "${id}"`, half: id / 2 }
      },
      { parallelism: 4 },
    )
  return rows.write(path.endsWith('.csv') ? to.csv(path) : to.jsonl(path))
}
