import { Dataset, to } from 'millstream'
import { ok } from 'millstream/http'

interface Context {
  readonly args: readonly string[]
}

/** Calls an API for each id, which answers 400 to some. */
export default ({ args: [url = '', path = 'out.jsonl', onError, length = '1000'] }: Context) =>
  Dataset.range(Number(length))
    .map((n) => ({ id: `doc-${n}`, n }))
    .map(
      async (doc, { signal }) => {
        const response = await ok(fetch(url, { method: 'POST', body: JSON.stringify(doc), signal }))
        return (await response.json()) as { readonly id: string }
      },
      { parallelism: 8, onError: onError === 'fail' ? 'fail' : 'deadLetter' },
    )
    .write(path.endsWith('.csv') ? to.csv(path) : to.jsonl(path), { every: { elements: 50 } })
