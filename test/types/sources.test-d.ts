import { createReadStream } from 'node:fs'
import { Dataset, type ElementSpec } from 'millstream'
import { expectTypeOf, test } from 'vitest'
import * as z from 'zod'

interface Row {
  readonly id: number
  readonly name: string
}

declare function rowsAfter(id: number, signal: AbortSignal): AsyncIterable<Row>
declare function list(options: {
  readonly token: string
  readonly signal: AbortSignal
}): Promise<{ readonly items: readonly Row[]; readonly next?: string }>

test('a cursor has the type of its start, elements that of what is made', () => {
  const rows = Dataset.fromGenerator(
    (signal, from) => {
      expectTypeOf(from).toEqualTypeOf<number>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      return rowsAfter(from, signal)
    },
    { start: 0, cursor: (row) => row.id },
  )
  expectTypeOf(rows).toEqualTypeOf<Dataset<Row>>()
  const keyed = Dataset.fromGenerator(
    function* (_, from) {
      yield* [from.at, 1]
    },
    { start: { at: 0 }, cursor: (x) => ({ at: x }) },
  )
  expectTypeOf(keyed).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(Dataset.fromGenerator(() => ['a'])).toEqualTypeOf<Dataset<string>>()
})

test('pages give their items', () => {
  const rows = Dataset.fromPages({
    start: '',
    read: (token, signal) => {
      expectTypeOf(token).toEqualTypeOf<string>()
      return list({ token, signal })
    },
  })
  expectTypeOf(rows).toEqualTypeOf<Dataset<Row>>()
  const keyset = Dataset.fromPages({
    start: 0,
    read: async (after, signal) => {
      const items: Row[] = []
      for await (const row of rowsAfter(after, signal)) items.push(row)
      return { items, next: items.at(-1)?.id }
    },
  })
  expectTypeOf(keyset).toEqualTypeOf<Dataset<Row>>()
})

test('wrong cursors do not compile', () => {
  // @ts-expect-error the cursor is not of the type of the start
  Dataset.fromGenerator((_, from) => [from], { start: 0, cursor: (x) => `${x}` })
  // @ts-expect-error a date is not JSON
  Dataset.fromGenerator((_, from) => [from], { start: new Date(), cursor: () => new Date() })
  // @ts-expect-error the next cursor is not of the type of the start
  Dataset.fromPages({ start: '', read: () => ({ items: [1], next: 2 }) })
  // @ts-expect-error items are an array
  Dataset.fromPages({ start: '', read: () => ({ items: 1 }) })
})

test('a schema narrows to its output', () => {
  const rows = Dataset.fromArray<unknown>([])
  const User = z.object({ id: z.coerce.number(), name: z.string().default('') })
  const users = rows.validate(User)
  expectTypeOf(users).toEqualTypeOf<Dataset<{ id: number; name: string }>>()
  expectTypeOf(users.map(({ id }) => id)).toEqualTypeOf<Dataset<number>>()
  const texts = rows.validate(
    z.number().transform((x) => `${x}`),
    { onError: 'skip', parallelism: 2 },
  )
  expectTypeOf(texts).toEqualTypeOf<Dataset<string>>()
  // @ts-expect-error not a schema
  rows.validate((x: unknown) => typeof x === 'number')
})

test('what an element is made of', () => {
  const numbers = Dataset.range(3).assertCardinality(3)
  expectTypeOf(numbers).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(numbers.elementSpec()).resolves.toEqualTypeOf<ElementSpec | undefined>()
  expectTypeOf(numbers.toReadableStream()).toEqualTypeOf<ReadableStream<number>>()
  expectTypeOf(Dataset.from(numbers.toReadableStream())).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(Dataset.from(createReadStream('x'))).toEqualTypeOf<Dataset<Buffer>>()
  expectTypeOf(Dataset.from<string>(createReadStream('x'))).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(Dataset.listFiles(['a', 'b'], { shuffle: true })).toEqualTypeOf<Dataset<string>>()
  // @ts-expect-error a count is a number
  numbers.assertCardinality('3')
})
