import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command, start } from '../cli/command.ts'
import { testFolder } from '../folder.ts'
import { isGrowing, until } from '../sinks/chaos.ts'
import { noNats, numbersIn, pipeline, upTo, World } from './world.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Elements of a run that is to be disturbed. */
const COUNT = Number(process.env['MILLSTREAM_CHUNKS'] ?? 600)

describe.skipIf(noNats !== undefined)('runs on workers', () => {
  let world: World
  beforeAll(async () => {
    world = await World.start(2)
  })
  afterAll(() => world.stop())

  test('kill -9 of a worker: its chunks go to another one; nothing is lost, doubled or moved', async () => {
    const folder = testFolder()
    const out = join(folder, 'out.jsonl')
    const victim = world.worker()
    const { ended } = world.run(join(folder, 'state'), 'work', `${COUNT}`, out)
    await until(ended, isGrowing(folder))
    victim.child.kill('SIGKILL')
    expect(await ended).toMatchObject({ code: 0 })
    expect(numbersIn(out)).toEqual(upTo(COUNT))
    expect(await world.leftOver()).toEqual([])
    await victim.ended
  })

  test('kill -9 of the submitter: the next run goes on, and removes what the first one left', async () => {
    const folder = testFolder()
    const out = join(folder, 'out.jsonl')
    const args = [join(folder, 'state'), 'work', `${COUNT}`, out] as const
    const killed = world.run(...args)
    await until(killed.ended, () => existsSync(join(folder, 'state/latest.json')))
    killed.child.kill('SIGKILL')
    await killed.ended
    const { code, stderr } = await world.run(...args).ended
    expect([code, stderr]).toEqual([0, expect.stringMatching(/resumed at \d+/)])
    expect(numbersIn(out)).toEqual(upTo(COUNT))
    expect(await world.leftOver()).toEqual([])
  })

  test('what is too large for a message goes by reference', async () => {
    const folder = testFolder()
    const out = join(folder, 'out.jsonl')
    expect(await world.run(join(folder, 'state'), 'large', '12', out).ended).toMatchObject({
      code: 0,
    })
    expect(numbersIn(out)).toEqual(upTo(12).map((x) => 1_200_000 + x))
    expect(await world.leftOver()).toEqual([])
  })

  test('SIGTERM of a worker: it brings what it has and leaves; the run goes on without it', async () => {
    const folder = testFolder()
    const out = join(folder, 'out.jsonl')
    const leaving = world.worker()
    const { ended } = world.run(join(folder, 'state'), 'work', `${COUNT}`, out)
    await until(ended, isGrowing(folder))
    leaving.child.kill('SIGTERM')
    expect(await leaving.ended).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('all that was at hand is done') as unknown,
    })
    expect(await ended).toMatchObject({ code: 0 })
    expect(numbersIn(out)).toEqual(upTo(COUNT))
  })

  test.each(['cancel', 'drain'])(
    'cluster %s: the run stops, leaves nothing, and goes on when it is run again',
    async (action) => {
      const folder = testFolder()
      const [out, file] = [join(folder, 'out.jsonl'), join(folder, 'wait')]
      const args = [join(folder, 'state'), 'waits', '50', out, file] as const
      writeFileSync(file, '')
      const { ended } = world.run(...args)
      const id = await underWay(world, ended)
      const told = await command('cluster', action, id, '--nats', world.url)
      expect(told).toMatchObject({ code: 0, stdout: expect.stringContaining(id) as unknown })
      if (action === 'drain') rmSync(file)
      const stopped = await ended
      rmSync(file, { force: true })
      expect(stopped).toMatchObject({
        code: 75,
        stderr: expect.stringContaining('MILLSTREAM_RUN_STOPPED') as unknown,
      })
      expect(await world.leftOver()).toEqual([])
      expect(await world.run(...args).ended).toMatchObject({ code: 0 })
      expect(numbersIn(out)).toEqual(upTo(50))
    },
  )
})

describe.skipIf(noNats !== undefined)('worlds of their own', () => {
  test('dev: the same file as inline', async () => {
    const folder = testFolder()
    const [near, far] = [join(folder, 'near.jsonl'), join(folder, 'far.jsonl')]
    const args = ['--state', join(folder, 'a'), '--', 'work', '300', near, 'inline']
    expect(await command('run', pipeline, ...args)).toMatchObject({ code: 0 })
    const flags = ['--workers', '2', '--state', join(folder, 'b')]
    expect(await command('dev', pipeline, ...flags, '--', 'work', '300', far)).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('300 elements') as unknown,
    })
    expect(readFileSync(far).equals(readFileSync(near))).toBe(true)
  })

  test('the broker dies and comes back with nothing: what it lost is made again', () =>
    World.within(2, async (world) => {
      const folder = testFolder()
      const out = join(folder, 'out.jsonl')
      const { ended } = world.run(join(folder, 'state'), 'work', `${COUNT}`, out)
      await until(ended, isGrowing(folder))
      await world.crash(300)
      expect(await ended).toMatchObject({ code: 0 })
      expect(numbersIn(out)).toEqual(upTo(COUNT))
      expect(await world.leftOver()).toEqual([])
    }))

  test("an element over which workers die is that element's failure; the others come through", () =>
    World.within(0, async (world) => {
      const folder = testFolder()
      const out = join(folder, 'out.jsonl')
      const alive = new AbortController()
      const keeping = keepAlive(world, alive.signal)
      const at = JSON.stringify({ process: 7, thread: 31 })
      const ended = await world.run(join(folder, 'state'), 'deadly', '60', out, at).ended
      alive.abort()
      expect(ended).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('2 skipped') as unknown,
      })
      expect(numbersIn(out)).toEqual(upTo(60).filter((x) => x !== 7 && x !== 31))
      await keeping
    }))

  test('a worker refuses a stage that is other code there, and the run says what differs', () =>
    World.within(0, async (world) => {
      const folder = testFolder()
      const fixtures = join(folder, 'test/cluster/fixtures')
      mkdirSync(fixtures, { recursive: true })
      cpSync(join(root, 'package.json'), join(folder, 'package.json'))
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
      writeFileSync(join(fixtures, 'stages.ts'), 'export const work = 1\n')
      world.worker('--project', folder)
      const out = join(folder, 'out.jsonl')
      const { code, stderr } = await world.run(join(folder, 'state'), 'work', '10', out).ended
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /MILLSTREAM_CLUSTER: all workers refused stages\.ts#work\. .*fixtures\/stages\.ts is \w+ here and \w+ there/,
      )
      expect(await world.leftOver()).toEqual([])
    }))

  test('cluster status tells of workers and their labels', () =>
    World.within(0, async (world) => {
      const { ended } = world.worker('--labels', 'gpu,large')
      const labelled = async (): Promise<boolean> =>
        (await world.overview()).workers.some(({ labels }) => labels.includes('gpu'))
      await until(ended, labelled)
      const { stdout } = await command('cluster', 'status', '--nats', world.url)
      expect(stdout).toContain('[gpu, large]  1 at once  idle')
    }))
})

test('a wrong address says so', async () => {
  expect(await start('worker', '--nats', 'nats://127.0.0.1:9').ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'MILLSTREAM_CLUSTER: cannot connect to NATS at 127.0.0.1:9',
    ) as unknown,
  })
})

/** The run that has chunks under way. */
async function underWay(world: World, ended: Promise<unknown>): Promise<string> {
  let found: string | undefined
  await until(ended, async () => {
    const { runs } = await world.overview()
    found = runs.find(({ stages }) => stages.some(({ open }) => open > 0))?.run
    return found !== undefined
  })
  return found ?? ''
}

/** Starts workers that died again, as systemd does. */
async function keepAlive(world: World, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve())
  })
  while (!signal.aborted) await Promise.race([world.worker().ended, aborted])
}
