import { Dataset, type Pipeline, type RunSummary, type Sink, to } from 'millstream'
import { copy, table, upsert } from 'millstream/postgres'
import { expectTypeOf, test } from 'vitest'

interface Doc {
  readonly id: number
  readonly body: string
}

interface Tagged extends Doc {
  readonly tags: readonly string[]
}

const docs = Dataset.range(3).map((id): Doc => ({ id, body: '' }))
const tagged = docs.map((doc): Tagged => ({ ...doc, tags: [] }))

test('sinks take what comes, without annotation or cast', () => {
  expectTypeOf(docs.write(to.jsonl('x'))).toEqualTypeOf<Pipeline<Doc>>()
  expectTypeOf(docs.write(to.csv('x', { delimiter: ';' }))).toEqualTypeOf<Pipeline<Doc>>()
  expectTypeOf(docs.write(copy('url', 't'))).toEqualTypeOf<Pipeline<Doc>>()
  expectTypeOf(docs.write(upsert('url', 't', { key: 'id' }))).toEqualTypeOf<Pipeline<Doc>>()
  expectTypeOf(tagged.write(upsert('url', 't', { key: ['id', 'body'] }))).toEqualTypeOf<
    Pipeline<Tagged>
  >()
  const changed = docs.onlyChanged({ key: (doc) => doc.id, by: (doc) => doc.body })
  expectTypeOf(changed).toEqualTypeOf<Dataset<Doc>>()
  const pruned = upsert<Doc>('url', 't', { key: 'id', prune: true })
  expectTypeOf(changed.write(pruned)).toEqualTypeOf<Pipeline<Doc>>()
  changed.write(upsert('url', 't', { key: ['id', 'body'], prune: 'id' }))
  docs.write(to.call((_, xs) => expectTypeOf(xs).toEqualTypeOf<readonly Doc[]>()))
  expectTypeOf(docs.write(to.jsonl('x')).run()).resolves.toEqualTypeOf<RunSummary>()
  expectTypeOf(table<Doc>('url', 't', { key: 'id' })).toEqualTypeOf<Dataset<Doc>>()
})

test('a sink of more takes less', () => {
  const all: Sink<unknown> = to.jsonl('x')
  docs.write(all)
  const sink: Sink<Doc> = to.call((_, xs: readonly Doc[]) => xs.length)
  tagged.write(sink)
})

test('a pipeline of dogs is one of animals', () => {
  expectTypeOf(tagged.write(to.jsonl('x'))).toExtend<Pipeline<Doc>>()
  expectTypeOf(tagged).toExtend<Dataset<Doc>>()
})

test('what does not fit is an error', () => {
  // @ts-expect-error: an array does not fit into a field
  tagged.write(to.csv('x'))
  // @ts-expect-error: a number is no record
  Dataset.range(3).write(to.csv('x'))
  // @ts-expect-error: a number is no row
  Dataset.range(3).write(copy('url', 't'))
  // @ts-expect-error: there is no such member
  docs.write(upsert('url', 't', { key: 'name' }))
  // @ts-expect-error: there is no such member
  docs.write(upsert('url', 't', { key: 'id', prune: 'name' }))
  // @ts-expect-error: a record does not name an element
  docs.onlyChanged({ key: (doc) => doc })
  const sink: Sink<Tagged> = to.call((_, xs: readonly Tagged[]) => xs.length)
  // @ts-expect-error: docs have no tags
  docs.write(sink)
})
