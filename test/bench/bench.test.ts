import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { answerOf, checkRows, CheckMismatch, rowOf, tableOf } from '../../bench/harness.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const resultSchema = z.object({
  rows: z.array(
    z.strictObject({
      case: z.string(),
      subject: z.string(),
      unit: z.string(),
      median: z.number().positive(),
      min: z.number().positive(),
      max: z.number().positive(),
      runs: z.number().min(5),
      check: z.string(),
    }),
  ),
  machine: z.object({ cpu: z.string(), cores: z.number(), node: z.string() }),
})

function bench(...args: string[]): { status: number | null; out: string; err: string } {
  const command = ['--import', 'tsx', 'bench/run.ts', ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root })
  return { status, out: stdout.toString(), err: stderr.toString() }
}

test('bench overlap writes its rows as JSON', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'))
  try {
    const file = join(folder, 'overlap.json')
    const { status, out, err } = bench('overlap', '--quick', '--json', file)
    expect(status, err).toBe(0)
    const { rows } = resultSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    expect(rows.length).toBe(4)
    for (const { subject, unit, case: name } of rows) {
      expect(unit).toBe('x max')
      expect(out).toContain(name)
      expect(out).toContain(subject)
    }
    expect(rows.filter(({ subject }) => subject === 'millstream').length).toBe(1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('bench cost finds what it takes out of the library', { timeout: 120_000 }, () => {
  const { status, out, err } = bench('cost', '--quick')
  expect(status, err).toBe(0)
  expect(out).toMatch(/one loop, cost +with \/ without metrics/)
  expect(out).toMatch(/async map, cost +with \/ without tokens/)
})

test('bench resume reads the same element by both ways', { timeout: 60_000 }, () => {
  const { status, out, err } = bench('resume', '--quick')
  expect(status, err).toBe(0)
  expect(out.match(/running again to there/g)).toHaveLength(3)
})

test('a process that ends without an answer fails its benchmark, and says how it ended', async () => {
  const child = (code: string): ChildProcess =>
    spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  expect(await answerOf(child('process.send({ n: 7 })'), 'one')).toEqual({ n: 7 })
  await expect(answerOf(child('process.exit(3)'), 'two')).rejects.toThrow(
    'the process of two ended with 3 before it answered',
  )
})

test('an unknown name lists the names, with exit code 2', () => {
  const { status, err } = bench('speed')
  expect(status).toBe(2)
  expect(err).toContain('overhead')
  expect(err).toContain('overlap')
})

test('subjects that did different work are no comparison', () => {
  const row = (subject: string, check: string) =>
    rowOf({ case: 'one', subject, unit: 'ns/element', check }, [3, 1, 2])
  expect(() => checkRows([row('millstream', 'a'), row('loop', 'a')])).not.toThrow()
  expect(() => checkRows([row('millstream', 'a'), row('loop', 'b')])).toThrow(CheckMismatch)
})

test('a row holds the median, the table its ratio to millstream', () => {
  const what = { case: 'one', unit: 'ns/element', check: 'a' }
  const own = rowOf({ ...what, subject: 'millstream' }, [30, 10, 20])
  expect(own).toMatchObject({ median: 20, min: 10, max: 30, runs: 3 })
  const peer = rowOf({ ...what, subject: 'peer' }, [40, 60])
  expect(peer.median).toBe(50)
  expect(tableOf([own, peer])).toMatch(/peer .* 2\.50/)
})
