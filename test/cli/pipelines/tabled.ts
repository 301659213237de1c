import { copy, table, upsert } from 'millstream/postgres'
import { Hold } from '../hold.ts'

interface Context {
  readonly args: readonly string[]
}

interface Row {
  readonly id: number
  readonly text: string
}

/** Rows that take some time, from one table into another; `last` is the id at which a hold works. */
export default ({ args: [url = '', how = 'copy', to = 'out', hold = '', last = ''] }: Context) => {
  const holding = new Hold(hold)
  const rows = table<Row>(url, 'source', { key: 'id', pageSize: 500 }).map(
    async ({ id, text }): Promise<Row> => {
      if (id % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      if (id === Number(last)) await holding.wait()
      return { id, text: `${text} done` }
    },
    { parallelism: 4 },
  )
  return rows.write(how === 'copy' ? copy(url, to) : upsert(url, to, { key: 'id' }))
}
