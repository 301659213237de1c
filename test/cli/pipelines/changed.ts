import { table, upsert } from 'millstream/postgres'

interface Context {
  readonly args: readonly string[]
}

interface Row {
  readonly id: number
  readonly text: string
}

/** What changed in one table, slowly into another. */
export default ({ args: [url = ''] }: Context) =>
  table<Row>(url, 'source', { key: 'id', pageSize: 500 })
    .onlyChanged({ key: (row) => row.id, by: (row) => row.text })
    .map(
      async (row) => {
        if (row.id % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        return row
      },
      { parallelism: 4, onError: 'deadLetter' },
    )
    .write(upsert(url, 'out', { key: 'id', prune: true }))
