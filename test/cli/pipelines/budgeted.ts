import { Dataset, to } from 'millstream'

interface Context {
  readonly args: readonly string[]
}

/** Thirty calls of ten cents each, with one dollar a run; a third of them are for inputs that came before. */
export default ({ args: [path = 'out.jsonl', cache = 'cache'] }: Context) =>
  Dataset.range(30)
    .map((id) => id % 20)
    .map(async (id) => ({ id }), { cost: () => ({ usd: 0.1 }), cache: 'ids@v1' })
    .write(to.jsonl(path), { cache })
    .budget({ usd: 1 })
