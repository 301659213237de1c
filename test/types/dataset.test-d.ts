import {
  type Batch,
  type Column,
  Dataset,
  inline,
  type Json,
  stage,
  type Tensor,
  type Unbatch,
} from 'millstream'
import { expectTypeOf, test } from 'vitest'

const numbers = Dataset.range(10)
const rows = numbers.map((id) => ({ id, name: `n${id}`, ok: id > 3, vector: new Float32Array(4) }))

test('element types flow through every operator', () => {
  expectTypeOf(numbers).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(numbers.map((x) => `${x}`)).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(numbers.map(async (x) => x > 1)).toEqualTypeOf<Dataset<boolean>>()
  expectTypeOf(numbers.flatMap((x) => [x, 'b'])).toEqualTypeOf<Dataset<number | string>>()
  expectTypeOf(numbers.enumerate()).toEqualTypeOf<Dataset<readonly [number, number]>>()
  expectTypeOf(numbers.scan(0, (s, x) => [s + x, `${s}`])).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(numbers.concatenate(Dataset.fromArray(['a']))).toEqualTypeOf<
    Dataset<number | string>
  >()
  expectTypeOf(numbers.shuffle(3).repeat(2).take(1).skip(1).cache().prefetch(1)).toEqualTypeOf<
    Dataset<number>
  >()
  expectTypeOf(Dataset.counter(1, 2)).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(Dataset.random({ seed: 1 }).take(2)).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(rows.shuffle('global', { seed: 1 })).toEqualTypeOf(rows)
  expectTypeOf(numbers.toArray()).resolves.toEqualTypeOf<number[]>()
  expectTypeOf(numbers.first()).resolves.toEqualTypeOf<number | undefined>()
  expectTypeOf(numbers.reduce('', (s, x) => s + x)).resolves.toEqualTypeOf<string>()
  expectTypeOf(numbers.map((x, local) => x + local.random() + local.index)).toEqualTypeOf<
    Dataset<number>
  >()
})

test('type guards narrow', () => {
  const mixed = Dataset.fromArray<number | string>([1, 'a'])
  const texts = mixed.filter((x): x is string => typeof x === 'string')
  expectTypeOf(texts).toEqualTypeOf<Dataset<string>>()
  expectTypeOf(mixed.filter((x) => x !== 1)).toEqualTypeOf<Dataset<number | string>>()
})

test('batches have the type of their columns, unbatch gives the elements back', () => {
  expectTypeOf(numbers.batch(2)).toEqualTypeOf<Dataset<Float64Array>>()
  const batches = rows.batch(2)
  expectTypeOf(batches).toEqualTypeOf<
    Dataset<{
      readonly id: Float64Array
      readonly name: Column<string>
      readonly ok: Column<boolean>
      readonly vector: Tensor<Float32Array<ArrayBuffer>, readonly [number, number]>
    }>
  >()
  expectTypeOf(batches.unbatch()).toEqualTypeOf<
    Dataset<{
      readonly id: number
      readonly name: string
      readonly ok: boolean
      readonly vector: Float32Array<ArrayBuffer>
    }>
  >()
  expectTypeOf<Batch<readonly [number, string]>>().toEqualTypeOf<
    readonly [Float64Array, Column<string>]
  >()
  expectTypeOf<Batch<Tensor<Uint8Array, readonly [number, number]>>>().toEqualTypeOf<
    Tensor<Uint8Array, readonly [number, number, number]>
  >()
  expectTypeOf<Unbatch<Tensor<Uint8Array, readonly [number, number, number]>>>().toEqualTypeOf<
    Tensor<Uint8Array, readonly [number, number]>
  >()
  expectTypeOf<Batch<Date>>().toEqualTypeOf<Column<Date>>()
})

test('padded and ragged batches', () => {
  const pairs = numbers.map((x) => [x, new Float32Array(x), 'a'] as const)
  expectTypeOf(rows.paddedBatch(2)).toEqualTypeOf(rows.batch(2))
  expectTypeOf(
    rows.paddedBatch(2, { paddedShapes: { vector: [null] }, paddingValues: { vector: -1 } }),
  ).toEqualTypeOf(rows.batch(2))
  expectTypeOf(
    pairs.paddedBatch(2, { paddedShapes: [[], [4], []], paddingValues: [undefined, 2, undefined] }),
  ).toEqualTypeOf(pairs.batch(2))
  expectTypeOf(numbers.raggedBatch(2)).toEqualTypeOf<Dataset<Float64Array>>()
  expectTypeOf(pairs.raggedBatch(2)).toEqualTypeOf<
    Dataset<readonly [Float64Array, Column<Float32Array<ArrayBuffer>>, Column<'a'>]>
  >()
  expectTypeOf(pairs.raggedBatch(2).unbatch()).toEqualTypeOf<
    Dataset<readonly [number, Float32Array<ArrayBuffer>, 'a']>
  >()
  // @ts-expect-error a vector has one size
  numbers.map((x) => new Float32Array(x)).paddedBatch(2, { paddedShapes: [2, null] })
  // @ts-expect-error numbers have none
  numbers.paddedBatch(2, { paddedShapes: [null] })
  // @ts-expect-error three members, three shapes
  pairs.paddedBatch(2, { paddedShapes: [[], [4]] })
  // @ts-expect-error no such field
  rows.paddedBatch(2, { paddedShapes: { vektor: [null] } })
  // @ts-expect-error vectors are filled up with numbers
  rows.paddedBatch(2, { paddingValues: { vector: '' } })
})

test('merges have the element types of all', () => {
  const texts = Dataset.fromArray(['a'])
  expectTypeOf(Dataset.sampleFromDatasets([numbers, texts], { weights: [1, 2] })).toEqualTypeOf<
    Dataset<number | string>
  >()
  expectTypeOf(Dataset.chooseFromDatasets([numbers, numbers], numbers)).toEqualTypeOf<
    Dataset<number>
  >()
  // @ts-expect-error choices are numbers
  Dataset.chooseFromDatasets([numbers], texts)
  // @ts-expect-error weights are numbers
  Dataset.sampleFromDatasets([numbers], { weights: ['1'] })
  // @ts-expect-error datasets, not arrays
  Dataset.sampleFromDatasets([numbers, [1]])
})

test('resampling keeps the element type', () => {
  expectTypeOf(
    rows.rejectionResample({ class: (row) => (row.ok ? 1 : 0), targetDist: [1, 1] }),
  ).toEqualTypeOf(rows)
  // @ts-expect-error a class is a number
  rows.rejectionResample({ class: (row) => row.ok, targetDist: [1, 1] })
  // @ts-expect-error no such field
  rows.rejectionResample({ class: (row) => row.label, targetDist: [1, 1] })
})

test('batches by number, cost and time', () => {
  expectTypeOf(rows.batch({ max: 3 })).toEqualTypeOf(rows.batch(3))
  expectTypeOf(
    rows.batch({ max: 3, maxCost: 10, cost: (row) => row.name.length, maxWait: '50ms' }),
  ).toEqualTypeOf(rows.batch(3))
  // @ts-expect-error a limit of cost needs costs
  rows.batch({ max: 3, maxCost: 10 })
  // @ts-expect-error costs are numbers
  rows.batch({ max: 3, maxCost: 10, cost: (row) => row.name })
  // @ts-expect-error a number at most, always
  rows.batch({ maxWait: 10 })
})

test('rebatch keeps the type of batches', () => {
  expectTypeOf(rows.batch(2).rebatch([3, 2])).toEqualTypeOf(rows.batch(2))
  expectTypeOf(numbers.batch(2).rebatch(3)).toEqualTypeOf<Dataset<Float64Array>>()
  // @ts-expect-error numbers are no batches
  numbers.rebatch(2)
  // @ts-expect-error sizes are numbers
  numbers.batch(2).rebatch(['2'])
})

test('zip keeps the structure', () => {
  const texts = Dataset.fromArray(['a'])
  expectTypeOf(Dataset.zip([numbers, texts])).toEqualTypeOf<Dataset<readonly [number, string]>>()
  expectTypeOf(Dataset.zip({ x: numbers, y: [texts, numbers] })).toEqualTypeOf<
    Dataset<{ readonly x: number; readonly y: readonly [string, number] }>
  >()
})

test('datasets are covariant', () => {
  expectTypeOf<Dataset<'a'>>().toExtend<Dataset<string>>()
  expectTypeOf<Dataset<string>>().not.toExtend<Dataset<'a'>>()
})

test('stages flow too', () => {
  const half = stage(import.meta, (x: number) => x / 2)
  expectTypeOf(numbers.map(half)).toEqualTypeOf<Dataset<number>>()
  expectTypeOf(numbers.map(half.on(inline))).toEqualTypeOf<Dataset<number>>()
  expectTypeOf<Json>().toExtend<unknown>()
})

test('wrong pipelines do not compile', () => {
  // @ts-expect-error a predicate returns a boolean
  numbers.filter((x) => x)
  // @ts-expect-error an async predicate is a promise, and promises are truthy
  numbers.filter(async (x) => x > 1)
  // @ts-expect-error numbers have no length
  numbers.map((x) => x.length)
  // @ts-expect-error flatMap returns an array
  numbers.flatMap((x) => x)
  // @ts-expect-error a size is a number
  numbers.batch('2')
  // @ts-expect-error a buffer, or 'global'
  numbers.shuffle('all')
  // @ts-expect-error there is no such policy
  numbers.map((x) => x, { onError: 'ignore' })
  // @ts-expect-error a stage of texts does not take numbers
  numbers.map(stage(import.meta, (x: string) => x).on(inline))
  // @ts-expect-error a plain function has no place
  numbers.map(((x: number) => x).on(inline))
  // @ts-expect-error a state is JSON
  numbers.scan(new Map(), (s, x) => [s, x])
  // @ts-expect-error zip takes datasets
  Dataset.zip([numbers, [1, 2]])
})
