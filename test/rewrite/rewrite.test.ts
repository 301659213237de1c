import { type Checkpoint, CheckpointMismatchError, Dataset } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'
import { nodesOf } from '../../src/plan/node.ts'
import { changesOf, rewrite } from '../../src/rewrite/rewrite.ts'

const idsOf = (ds: Dataset<unknown>): string[] => nodesOf(rewrite(ds.plan)).map(({ id }) => id)
const why = (ds: Dataset<unknown>): string[] =>
  changesOf(ds.plan).map(({ node, why: reason }) => `${node.id} ${reason}`)

const numbers = Dataset.fromGenerator(() => Array.from({ length: 100 }, (_, k) => k))

test('operators that hand on what they get are left out', () => {
  const ds = numbers.skip(0).take(-1).shard(1, 0).shuffle(1).skip(1)
  expect(idsOf(ds)).toEqual(['generator#1', 'skip#2'])
  expect(why(ds)).toEqual(
    ['skip#1', 'take#1', 'shard#1', 'shuffle#1'].map(
      (id) => `${id} left out: it hands on what it gets`,
    ),
  )
})

test('neighbours of a kind become one, also where something between them is left out', async () => {
  const ds = numbers.skip(3).take(-1).skip(4).take(50).take(30).shard(2, 1).shard(3, 2)
  expect(idsOf(ds)).toEqual(['generator#1', 'skip#2', 'take#3', 'shard#2'])
  const all = Array.from({ length: 30 }, (_, k) => 7 + k)
  expect(await ds.toArray()).toEqual(all.filter((_, k) => k % 6 === 5))
  expect(await ds.toArray({ optimize: false })).toEqual(await ds.toArray())
})

test('a plan without anything to do stays the same object, and ids stay in all', () => {
  const ds = numbers.map((x) => x).batch(2)
  expect(rewrite(ds.plan)).toBe(ds.plan)
  const random = numbers.skip(0).map((x, local) => x + local.random())
  expect(idsOf(random)).toEqual(['generator#1', 'map#1'])
})

test('rewriting changes no chance', async () => {
  const ds = numbers
    .skip(0)
    .shuffle(10)
    .take(-1)
    .map((x, local) => x + local.random())
    .repeat(2)
  expect(await ds.toArray({ epoch: 3 })).toEqual(await ds.toArray({ epoch: 3, optimize: false }))
})

test('datasets made of one cached dataset still share its elements', async () => {
  let calls = 0
  const cached = numbers
    .skip(0)
    .map((x) => {
      calls++
      return x
    })
    .cache()
  await cached.map((x) => x + 1).toArray()
  await cached.batch(3).toArray()
  expect(calls).toBe(100)
})

test('a checkpoint is resumed with the rewriting it was taken with', async () => {
  const ds = numbers.skip(2).skip(3).shuffle(7).take(-1).take(40)
  await checkResume(ds)
  for (const optimize of [true, false]) {
    const run = ds.iterate({ epoch: 0, optimize })
    const head = []
    for (let k = 0; k < 11; k++) head.push((await run.next()).value)
    const rest = []
    for await (const x of ds.resume(run.checkpoint(), { optimize: !optimize })) rest.push(x)
    await run.close()
    expect([...head, ...rest]).toEqual(await ds.toArray({ epoch: 0 }))
  }
})

test('a checkpoint of a rewriting that this version does not know is refused', async () => {
  const run = numbers.iterate()
  await run.next()
  const checkpoint: Checkpoint = { ...run.checkpoint(), rewriting: 99 }
  await run.close()
  expect(() => numbers.resume(checkpoint)).toThrow(CheckpointMismatchError)
})

test('how far ahead a prefetch reads may change between a checkpoint and its resume', async () => {
  const of = (size: number): Dataset<number> =>
    numbers
      .map((x) => x + 1)
      .prefetch(size)
      .map((x) => x)
  const run = of(0).iterate()
  for (let k = 0; k < 5; k++) await run.next()
  const rest = []
  for await (const x of of(4).resume(run.checkpoint())) rest.push(x)
  await run.close()
  expect(rest).toEqual(Array.from({ length: 95 }, (_, k) => k + 6))
})
