// Documents of a table, cut into pieces, become vectors in another table: as fast as the API allows, each paid once.
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

async function vectorsOf(texts: readonly string[], signal: AbortSignal) {
  const response = await ok(fetch(API_URL, { method: 'POST', body: JSON.stringify(texts), signal }))
  return z.array(z.array(z.number())).parse(await response.json())
}

export default table<Doc>(DATABASE_URL, 'docs', { key: 'id' })
  .flatMap(pieces)
  .batch({ max: 64, maxCost: 2000, cost: (piece) => piece.tokens })
  .map(
    async ({ id, text }, { signal }) => {
      const embedding = Column.copy(await vectorsOf(text, signal))
      return { id, text, embedding }
    },
    {
      limit: limit('embeddings', { requests: '5000/min', tokens: '1M/min' }),
      cost: ({ tokens }) => tokens.reduce((sum, n) => sum + n),
      retry: 8,
      timeout: '60s',
    },
  )
  .unbatch()
  .write(upsert(DATABASE_URL, 'pieces', { key: 'id' }))
