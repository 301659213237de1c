// A model says what tickets are about, by a schema, for no more than 25 dollars a run.
import { limit, type Local } from 'millstream'
import { ok } from 'millstream/http'
import { table, upsert } from 'millstream/postgres'
import * as z from 'zod'

const { DATABASE_URL = '', API_URL = '' } = process.env

interface Ticket {
  readonly id: number
  readonly body: string
}

const Answer = z.object({ topic: z.string(), usage: z.object({ usd: z.number() }) })
const Topic = z.object({ id: z.number(), topic: z.enum(['billing', 'login', 'other']) })

async function classify({ id, body }: Ticket, { signal }: Local) {
  const prompt = `What is this ticket about: billing, login or other? ${body}`
  const response = await ok(
    fetch(API_URL, { method: 'POST', body: JSON.stringify({ prompt }), signal }),
  )
  return { id, ...Answer.parse(await response.json()) }
}

export default table<Ticket>(DATABASE_URL, 'tickets', { key: 'id' })
  .map(classify, {
    limit: limit('model', { tokens: '1M/min' }),
    cost: ({ body }) => ({ tokens: 20 + body.length / 4, usd: 0.5 }), // what it may cost
    spent: ({ usage }) => usage, // what it did
    retry: 5,
    cache: 'topics@v1',
  })
  .validate(Topic, { onError: 'deadLetter', maxErrors: 20 })
  .write(upsert(DATABASE_URL, 'ticket_topics', { key: 'id' }))
  .budget({ usd: 25 })
