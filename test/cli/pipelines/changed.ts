import { table, upsert } from 'millstream/postgres'
import { Hold } from '../hold.ts'

interface Context {
  readonly args: readonly string[]
}

interface Row {
  readonly id: number
  readonly text: string
}

/** What changed in one table, slowly into another; `last` is the id at which a hold works. */
export default ({ args: [url = '', hold = '', last = ''] }: Context) => {
  const holding = new Hold(hold)
  return table<Row>(url, 'source', { key: 'id', pageSize: 500 })
    .onlyChanged({ key: (row) => row.id, by: (row) => row.text })
    .map(
      async (row) => {
        if (row.id % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
        if (row.id === Number(last)) await holding.wait()
        return row
      },
      { parallelism: 4, onError: 'deadLetter' },
    )
    .write(upsert(url, 'out', { key: 'id', prune: true }))
}
