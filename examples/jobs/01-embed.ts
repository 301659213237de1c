// Documents of a table, cut into pieces, become vectors in another table: as fast as the API allows, each paid once.
// Run every night, it embeds what is new or has changed.
import { Column, limit } from 'millstream'
import { ok } from 'millstream/http'
import { table, upsert } from 'millstream/postgres'
import * as z from 'zod'

const { DATABASE_URL = '', API_URL = '' } = process.env

interface Doc {
  readonly id: number
  readonly body: string
}

function pieces({ id, body }: Doc) {
  const texts = body.match(/.{1,400}(?:\s|$)/gs) ?? []
  return texts.map((text, k) => ({ id: `${id}/${k}`, text, tokens: Math.ceil(text.length / 4) }))
}

async function embed(texts: readonly string[], signal: AbortSignal) {
  const response = await ok(fetch(API_URL, { method: 'POST', body: JSON.stringify(texts), signal }))
  return Column.copy(z.array(z.array(z.number())).parse(await response.json()))
}

export default table<Doc>(DATABASE_URL, 'docs', { key: 'id' })
  .flatMap(pieces)
  .onlyChanged({ key: (piece) => piece.id, by: (piece) => piece.text })
  .batch({ max: 64, maxCost: 2000, cost: (piece) => piece.tokens })
  .map(async ({ id, text }, { signal }) => ({ id, text, embedding: await embed(text, signal) }), {
    limit: limit('embeddings', { requests: '5000/min', tokens: '1M/min' }),
    cost: ({ tokens }) => tokens.reduce((sum, n) => sum + n),
    retry: 8,
    timeout: '60s',
    onError: 'deadLetter',
  })
  .unbatch()
  .write(upsert(DATABASE_URL, 'pieces', { key: 'id', prune: true }))
