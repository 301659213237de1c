import { Dataset, to } from 'millstream'

interface Context {
  readonly args: readonly string[]
}

/** Fails with a message that holds a secret, as clients of APIs do. */
export default ({ args: [path = ''] }: Context) => {
  process.env['LEAKY_API_KEY'] = 'sk-very-secret'
  const rows = Dataset.range(3).map((x) => {
    const cause = new Error('https://me:hunter22@example.org')
    if (x === 1) throw new Error(`401 for sk-very-secret at ${cause.message}`, { cause })
    return x
  })
  return rows.write(to.jsonl(path), { state: `${path}.state` })
}
