import { type Column, Dataset, limit, stage, Tensor, threads } from 'millstream'
import { expectTypeOf, test } from 'vitest'
import * as z from 'zod'

/** Pipelines as users write them: every operator, no annotation and no cast; the element type comes out. */

interface Doc {
  id: string
  body: string
  words: number
}

const n = Dataset.range(100)
const docs = Dataset.fromArray<Doc>([{ id: 'a', body: 'some words', words: 2 }])
const photo = new Tensor(new Uint8Array(12), [2, 2, 3])

const right = {
  squares: n.map((x) => x * x),
  evens: n.filter((x) => x % 2 === 0).take(10),
  texts: n.map((x) => `n${x}`).skip(2),
  calls: docs.map(async (doc) => doc.body.length, { parallelism: 8 }),
  limited: docs.map(async (doc) => ({ id: doc.id, usage: { tokens: 3 } }), {
    parallelism: 'auto',
    limit: limit('api', { requests: '5000/min', tokens: '1M/min', inFlight: 64 }),
    cost: (doc) => doc.words * 2,
    spent: ({ usage }, doc) => ({ tokens: usage.tokens, usd: doc.words / 1e6 }),
    retry: { attempts: 9, deadline: '5min', when: (error) => error instanceof RangeError },
    timeout: '60s',
    onError: 'deadLetter',
    maxErrors: 20,
  }),
  byHost: docs.map(async ({ id }, { signal }) => (signal.aborted ? '' : id), {
    limit: ({ id }) => limit(id.slice(0, 3), { requests: `${2 + 3}/s`, inFlight: 2 }),
    orderedBy: (doc) => doc.words,
    cache: 'pages@v1',
    retry: 3,
  }),
  placedCalls: docs.map(stage(import.meta, async (doc: Doc) => doc.words).on(threads(2)), {
    limit: limit('cpu'),
    timeout: 5000,
    spent: (words, doc) => words + doc.words,
  }),
  skipping: docs.map((doc) => doc.words, { onError: 'skip' }),
  random: docs.map((doc, local) => ({ ...doc, keep: local.random() < 0.5 })),
  records: docs.map(({ id, words }) => ({ id, words })),
  narrowed: Dataset.fromArray([1, undefined, 2]).filter((x) => x !== undefined),
  chunks: docs.flatMap((doc) => doc.body.split(' ')),
  nested: n.flatMap((x) => Dataset.range(x)),
  either: n.flatMap((x) => (x > 3 ? [`${x}`] : [])),
  files: Dataset.listFiles('a/*.txt').interleave((path) => [path.length], { cycleLength: 8 }),
  ranges: n.interleave((x) => Dataset.range(x).map((y) => ({ x, y })), { parallelism: 2 }),
  windows: n.window(3, { shift: 1, dropRemainder: true }),
  flatWindows: n.window(3).flatMap((w) => w.batch(3)),
  docWindows: docs.window(2).flatMap((w) => Dataset.zip([w.id, w.words])),
  groups: docs.groupByWindow({
    key: (doc) => doc.words,
    reduce: (key, w) => w.batch(8).map(({ body }) => ({ key, body })),
    windowSize: (key) => key + 1,
  }),
  batches: n.batch(32),
  docBatches: docs.batch(32, { dropRemainder: true }),
  photos: n.map(() => photo).batch(8),
  vectors: n.map(() => new Float32Array(3)).batch(8),
  pairs: n.map((x) => [x, String(x)] as const).batch(4),
  rows: docs.batch(4).unbatch(),
  shuffled: docs.shuffle(100, { seed: 1 }).repeat(3),
  permuted: n.shuffle('global').batch(4),
  sharded: docs.shard(4, 1).cache().prefetch(2),
  numbered: docs.enumerate(1).map(([k, doc]) => `${k} ${doc.id}`),
  running: n.scan(0, (sum, x) => [sum + x, sum]),
  until: docs.takeWhile((doc) => doc.words > 0),
  byColumns: docs.mapBatches(64, async ({ words, id }) => ({ half: words.map((w) => w / 2), id }), {
    parallelism: 4,
    deterministic: false,
  }),
  zipped: Dataset.zip([n, docs]),
  named: Dataset.zip({ x: n, doc: docs, more: [n, n] }),
  both: n.concatenate(docs),
  columns: Dataset.fromTensorSlices({ x: new Float64Array(4), y: photo }),
  one: Dataset.fromTensors({ a: 1 }),
  yielded: Dataset.fromGenerator(function* numbers() {
    yield 1
  }),
  streamed: Dataset.fromGenerator(async function* later() {
    yield { at: new Date() }
  }),
  valid: docs.validate(z.object({ id: z.string(), words: z.coerce.string() })),
  lenient: docs.map((doc) => doc.id).ignoreErrors(),
  applied: n.apply((ds) => ds.map((x) => x > 2)),
  counted: Dataset.counter(0, 2).take(3).assertCardinality(3),
}

test('forty pipelines have the types they should', () => {
  expectTypeOf(right.squares).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.evens).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.texts).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(right.calls).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.limited).toEqualTypeOf<Dataset<{ id: string; usage: { tokens: number } }>>()
  expectTypeOf(right.byHost).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(right.placedCalls).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.skipping).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.random).toEqualTypeOf<
    Dataset<{ keep: boolean; id: string; body: string; words: number }>
  >()
  expectTypeOf(right.records).toEqualTypeOf<Dataset<{ id: string; words: number }>>()
  expectTypeOf(right.narrowed).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.chunks).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(right.nested).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.either).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(right.files).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.ranges).toEqualTypeOf<Dataset<{ x: number; y: number }>>()
  expectTypeOf(right.windows).toEqualTypeOf<Dataset<Dataset<number>>>()
  expectTypeOf(right.flatWindows).toEqualTypeOf<Dataset<Float64Array>>()
  expectTypeOf(right.docWindows).toEqualTypeOf<Dataset<readonly [string, number]>>()
  expectTypeOf(right.groups).toEqualTypeOf<Dataset<{ key: number; body: Column<string> }>>()
  expectTypeOf(right.batches).toEqualTypeOf<Dataset<Float64Array>>()
  expectTypeOf(right.docBatches).toEqualTypeOf<
    Dataset<{
      readonly id: Column<string>
      readonly body: Column<string>
      readonly words: Float64Array
    }>
  >()
  expectTypeOf(right.photos).toEqualTypeOf<
    Dataset<Tensor<Uint8Array<ArrayBuffer>, readonly [number, number, number, number]>>
  >()
  expectTypeOf(right.vectors).toEqualTypeOf<
    Dataset<Tensor<Float32Array<ArrayBuffer>, readonly [number, number]>>
  >()
  expectTypeOf(right.pairs).toEqualTypeOf<Dataset<readonly [Float64Array, Column<string>]>>()
  expectTypeOf(right.rows).toEqualTypeOf<
    Dataset<{ readonly id: string; readonly body: string; readonly words: number }>
  >()
  expectTypeOf(right.shuffled).toEqualTypeOf<Dataset<Doc>>()
  expectTypeOf(right.permuted).toEqualTypeOf<Dataset<Float64Array>>()
  expectTypeOf(right.sharded).toEqualTypeOf<Dataset<Doc>>()
  expectTypeOf(right.numbered).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(right.running).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.until).toEqualTypeOf<Dataset<Doc>>()
  expectTypeOf(right.byColumns).toEqualTypeOf<
    Dataset<{ readonly half: number; readonly id: string }>
  >()
  expectTypeOf(right.zipped).toEqualTypeOf<Dataset<readonly [number, Doc]>>()
  expectTypeOf(right.named).toEqualTypeOf<
    Dataset<{ readonly x: number; readonly doc: Doc; readonly more: readonly [number, number] }>
  >()
  expectTypeOf(right.both).toEqualTypeOf<Dataset<number | Doc>>()
  expectTypeOf(right.columns).toEqualTypeOf<
    Dataset<{
      readonly x: number
      readonly y: Tensor<Uint8Array<ArrayBuffer>, readonly [number, number]>
    }>
  >()
  expectTypeOf(right.one).toEqualTypeOf<Dataset<{ a: number }>>()
  expectTypeOf(right.yielded).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(right.streamed).toEqualTypeOf<Dataset<{ at: Date }>>()
  expectTypeOf(right.valid).toEqualTypeOf<Dataset<{ id: string; words: string }>>()
  expectTypeOf(right.lenient).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(right.applied).toEqualTypeOf<Dataset<boolean>>()
  expectTypeOf(right.counted).toEqualTypeOf<Dataset<number>>()
})
