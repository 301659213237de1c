import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { InvalidArgumentError, StageAddressError } from '../../src/errors/index.ts'
import { inline, threads } from '../../src/place/index.ts'
import { isStage, stage } from '../../src/stage/index.ts'
import { ElementLocal } from '../../src/stream/local.ts'
import * as inner from './fixtures/inner.ts'

test('a stage is called like its function, and stays synchronous', async () => {
  const add = stage(import.meta, (x: number) => x + 1)
  expect(add(1)).toBe(2)
  const later = stage(import.meta, async (x: number) => x + 1)
  expect(later(1)).toBeInstanceOf(Promise)
  expect(await later(1)).toBe(2)
})

test('local reaches the function; without one it is element 0', () => {
  const draw = stage(import.meta, (_x: number, local) => [local.index, local.random()])
  const local = new ElementLocal(0, new AbortController().signal)
  expect(draw(0)).toEqual(draw(0, local.at(0)))
  expect(draw(0, local.at(5))).not.toEqual(draw(0))
})

test('with() binds a copy of the parameters', () => {
  const by = { size: 2 }
  const doubled = inner.sized.with(by)
  by.size = 100
  expect(doubled(4)).toBe(8)
  expect(inner.sized.with({ size: 3 })(4)).toBe(12)
})

test('parameters that cannot be copied are refused where they are bound', () => {
  const call = stage(import.meta, (x: number, _local, by: { f: () => number }) => x + by.f())
  expect(() => call.with({ f: () => 1 })).toThrow(StageAddressError)
  expect(() => call.with({ f: () => 1 })).toThrow(
    /^The parameters given to .*#call.with\(\) cannot be sent/,
  )
})

test('called in this thread, setup runs once and close tears down', async () => {
  const counted = inner.stateful.with({ from: 10 })
  expect(await Promise.all([counted(0), counted(0), counted(0)])).toEqual([10, 11, 12])
  await counted.close()
  expect(inner.closed.splice(0)).toEqual([13])
  await counted.close()
  expect(await counted(0)).toBe(10)
  await counted.close()
  expect(inner.closed.splice(0)).toEqual([11])
})

test('a setup that failed is tried again by the next call', async () => {
  await expect(inner.fails(1)).rejects.toThrow('not yet')
  expect(await inner.fails(1)).toBe(3)
})

test('inline is a place: setup and teardown around a run, jobs one after the other', async () => {
  const pool = await inner.stateful.with({ from: 0 }).on(inline).open(new AbortController().signal)
  const jobs = [0, 1, 2].map((first) => pool.run({ items: [0, 0], first, key: 0 }))
  const results = await Promise.all(jobs)
  expect(results.map((result) => result.values)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
  ])
  await pool.close()
  await pool.close()
  expect(inner.closed.splice(0)).toEqual([6])
  await expect(pool.run({ items: [0], first: 0, key: 0 })).rejects.toThrow('after its run ended')
})

test('a place says the stage and itself by name, before anything runs', async () => {
  const address = (of: { on(place: typeof inline): { address: string } }): string =>
    of.on(inline).address
  expect(address(inner.plain)).toBe('inner.ts#plain')
  expect(address(inner.aVeryLongNameThatAFormatterPutsOnALineOfItsOwnBeforeTheCall)).toBe(
    'inner.ts#aVeryLongNameThatAFormatterPutsOnALineOfItsOwnBeforeTheCall',
  )
  expect(address(inner.sized.with({ size: 1 }))).toBe('inner.ts#sized')
  expect(address(inner.exported)).toBe('inner.ts#exported')
  expect(inner.sized.with({ size: 1 }).on(threads(2))).toMatchObject({
    place: 'threads(2)',
    config: { size: 1 },
  })
  await sleep(0)
})

test('stages are told from functions; wrong arguments are refused', () => {
  expect(isStage(inner.plain)).toBe(true)
  expect(isStage((x: number) => x)).toBe(false)
  expect(() => stage({} as ImportMeta, (x: number) => x)).toThrow(InvalidArgumentError)
  expect(() => stage(import.meta, 5 as never)).toThrow(/takes a function, or an object/)
  expect(() => stage(import.meta, { run: (x: number) => x } as never)).toThrow(/setup and run/)
})
