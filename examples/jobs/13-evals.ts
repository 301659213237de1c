// Each case for each model. What was asked before is not asked again: neither after a crash, nor when cases are added.
import { Dataset, limit, to } from 'millstream'
import { ok } from 'millstream/http'
import * as z from 'zod'

const { API_URL = '' } = process.env

const models = ['tiny', 'small', 'medium', 'large', 'huge']
const Case = z.object({ id: z.number(), prompt: z.string(), expected: z.string() })

async function ask(model: string, prompt: string, signal: AbortSignal) {
  const body = JSON.stringify({ model, prompt })
  const response = await ok(fetch(API_URL, { method: 'POST', body, signal }))
  return z.object({ text: z.string() }).parse(await response.json())
}

export default Dataset.jsonl('cases.jsonl')
  .validate(Case)
  .flatMap((one) => models.map((model) => ({ ...one, model })))
  .map(
    async ({ id, prompt, expected, model }, { signal }) => {
      const { text } = await ask(model, prompt, signal)
      return { id, model, right: text === expected, text }
    },
    {
      parallelism: 8,
      limit: ({ model }) => limit(model, { tokens: '1M/min' }),
      cost: ({ prompt }) => prompt.length / 4,
      cache: 'evals@v1',
      retry: 4,
    },
  )
  .write(to.jsonl('answers.jsonl'))
