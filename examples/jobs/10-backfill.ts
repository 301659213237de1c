// All rows of a table in a new form in another one: kill it, break its connection, run it again.
import { table, upsert } from 'millstream/postgres'

const { DATABASE_URL = '' } = process.env

interface Order {
  readonly id: string // a bigint, which pg reads as text
  readonly amount: string // a numeric
  readonly customer: { readonly name: string; readonly country?: string } // jsonb
}

export default table<Order>(DATABASE_URL, 'orders', { key: 'id' })
  .map(({ id, amount, customer }) => ({
    id,
    cents: Math.round(Number(amount) * 100),
    customer_name: customer.name.trim(),
    country: customer.country?.toUpperCase() ?? null,
  }))
  .write(upsert(DATABASE_URL, 'orders_v2', { key: 'id' }))
