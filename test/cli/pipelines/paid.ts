import { Dataset, limit, to } from 'millstream'
import { ok } from 'millstream/http'

interface Context {
  readonly args: readonly string[]
}

/** Calls a paid API for each of some numbers; its results are lines of a file. With a folder, they are cached there. */
export default ({ args: [url = '', path = 'out.jsonl', length = '1000', cache] }: Context) =>
  Dataset.range(Number(length))
    .map(
      async (id, { signal }) => {
        const response = await ok(fetch(url, { method: 'POST', body: JSON.stringify(id), signal }))
        return (await response.json()) as { readonly id: number }
      },
      {
        limit: limit('paid'),
        parallelism: 32,
        retry: 5,
        ...(cache !== undefined && { cache: 'paid@v1' }),
      },
    )
    .write(to.jsonl(path), { ...(cache !== undefined && { cache }) })
