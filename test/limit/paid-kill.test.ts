import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeApi, fakeApi } from 'millstream/testing'
import { expect, test } from 'vitest'
import { hashUnit } from '../../src/stream/random.ts'
import { command, start } from '../cli/command.ts'

/*
 * Each call costs money: a run that is killed and started again makes none twice, but for those that were under way.
 * `npm run chaos` is the same with 30 kills of 100,000 calls.
 */
const COUNT = Number(process.env['MILLSTREAM_CALLS'] ?? 1500)
const KILLS = Number(process.env['MILLSTREAM_KILLS'] ?? 2)
const SEED = Number(process.env['MILLSTREAM_SEED'] ?? 1)
/** Calls under way at most, as the pipeline says. */
const LANES = 32

test.each(['without a cache', 'with a cache'])(
  'kill -9 at random moments, %s: the file of an uncut run, and no call twice that was not under way',
  async (how) => {
    const folder = mkdtempSync(join(tmpdir(), 'paid-kill-'))
    await using api = await paidApi()
    const args = argsIn(folder, 'cut', api)
    if (how === 'with a cache') args.push(join(folder, 'cache'))
    const seen: string[] = []
    let inFlight = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const { calls, underWay } = await killedAt(momentOf(kill), args, api)
      inFlight += underWay
      seen.push(`${calls} (${underWay} under way)`)
    }
    const last = await command(...args)
    expect([last.code, last.stderr]).toEqual([0, expect.stringContaining(`${COUNT} elements`)])
    const { calls } = api.stats
    console.log(
      `seed ${SEED}, ${how}: killed at calls ${seen.join(', ')}; ${calls} calls for ${COUNT} elements, ` +
        `${calls - COUNT} more, where ${inFlight} were under way`,
    )
    expect(readFileSync(join(folder, 'cut.jsonl')).equals(await uncut())).toBe(true)
    expect(calls - COUNT).toBeLessThanOrEqual(KILLS * LANES)
    rmSync(folder, { recursive: true })
  },
  3_600_000,
)

const paidApi = (): Promise<FakeApi<number>> =>
  fakeApi({ latency: [1, 9], answer: (id) => ({ id, text: `answer ${id}` }), seed: SEED })

function argsIn(folder: string, name: string, api: FakeApi<number>): string[] {
  const out = join(folder, `${name}.jsonl`)
  return ['run', 'paid.ts', '--state', join(folder, name), '--', api.url, out, String(COUNT)]
}

let whole: Promise<Buffer> | undefined

/** The file of a run that nobody kills. */
function uncut(): Promise<Buffer> {
  whole ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paid-whole-'))
    await using api = await paidApi()
    expect((await command(...argsIn(folder, 'whole', api))).code).toBe(0)
    expect(api.stats.calls).toBe(COUNT)
    const file = readFileSync(join(folder, 'whole.jsonl'))
    rmSync(folder, { recursive: true })
    return file
  })()
  return whole
}

/** After how many calls of all runs the next kill comes, one in each of as many equal stretches. */
function momentOf(kill: number): number {
  return Math.floor(((kill + hashUnit(SEED, kill)) * COUNT) / KILLS)
}

/** Runs it until the API was called so often, and kills it. */
async function killedAt(moment: number, args: readonly string[], api: FakeApi<number>) {
  const { child, ended } = start(...args)
  const exit = ended.then(({ stderr }) => {
    throw new Error(`ended before call ${moment}: ${stderr}`)
  })
  const reached = async (): Promise<void> => {
    while (api.stats.calls < moment) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.race([reached(), exit])
  const { calls, served, faulted, refused } = api.stats
  child.kill('SIGKILL')
  exit.catch(() => undefined)
  await ended
  return { calls, underWay: calls - served - faulted - refused }
}
