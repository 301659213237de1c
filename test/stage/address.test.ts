import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { StageAddressError } from '../../src/errors/index.ts'
import { locate } from '../../src/stage/address.ts'
import { isTwin } from '../../src/stage/birth.ts'
import { recordOf, type StageRecord } from '../../src/stage/record.ts'
import { stage } from '../../src/stage/index.ts'
import * as inner from './fixtures/inner.ts'

function record(of: unknown): StageRecord {
  const found = recordOf(of)
  if (!found) throw new Error('not a stage')
  return found
}

async function refusal(of: unknown): Promise<string> {
  const error = await locate(record(of)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StageAddressError)
  return (error as Error).message
}

test('an exported stage is found by the name of its export', async () => {
  expect(await locate(record(inner.plain))).toMatchObject({ key: 'plain', label: 'inner.ts#plain' })
  expect(await locate(record(inner.nested))).toMatchObject({ key: 'nested' })
  expect(await locate(record(inner.exported))).toMatchObject({ key: 'exported' })
  expect(await locate(record(inner.sized.with({ size: 2 })))).toMatchObject({ key: 'sized' })
})

test('a stage that is not exported is refused, with what to write', async () => {
  expect(await refusal(inner.box.hidden)).toMatch(
    /^inner\.ts#hidden is not exported from .*inner\.ts, so a worker cannot find it\. Write: export const/,
  )
})

test("a factory's stage is refused, with the way to pass parameters", async () => {
  for (const of of [inner.inBox.tripled, inner.makeLater()]) {
    expect(await refusal(of)).toMatch(
      /made inside factory\(\) and is not an export .* top level, export it, and pass .* \.with\(/,
    )
  }
})

test('a module that cannot be found or is no file is refused', async () => {
  const lost = stage(new URL('./no-such-module.ts', import.meta.url), (x: number) => x)
  expect(await refusal(lost)).toMatch(/no-such-module\.ts cannot be imported: /)
  const remote = stage(new URL('https://example.org/stages.js'), (x: number) => x)
  expect(await refusal(remote)).toContain('a worker can only import files')
})

test('another instance of the module holds twins; stages of one instance are never twins', () => {
  const birth = (module: object, ordinal: number): StageRecord['birth'] => ({ module, ordinal })
  const [a, b] = [{}, {}]
  expect(isTwin(birth(a, 1), birth(b, 1))).toBe(true)
  expect(isTwin(birth(a, 1), birth(b, 2))).toBe(false)
  expect(isTwin(birth(a, 1), birth(a, 1))).toBe(false)
})

/** What a program prints that runs outside of the test runner. */
async function program(name: string): Promise<string> {
  const file = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
  const args = ['--import', 'tsx', file]
  return (await promisify(execFile)(process.execPath, args, { timeout: 20_000 })).stdout.trim()
}

test('a stage in the entry module is refused, before the program would run again in a worker', async () => {
  expect(await program('entry.ts')).toMatch(
    /^entry\.ts#twice is in the program's entry, .*entry\.ts: .* Move the stage to a module of its own/,
  )
})

test('a module that runs the pipeline while it loads is told, not waited for without end', async () => {
  expect(await program('waits-entry.ts')).toMatch(
    /^waits\.ts#late cannot be reached: .* has not finished loading\. Does it run the pipeline/,
  )
})

test('a module that runs a pipeline when a worker imports it does not start threads without end', async () => {
  const output = await program('recurses-entry.ts')
  expect(output).toContain('threads() was opened inside the worker of recurses.ts#again')
  expect(output).toContain('result 2')
})
