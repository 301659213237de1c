import { spawn } from 'node:child_process'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { once } from 'node:events'
import { Dataset } from 'millstream'
import { LeakError, watchLeaks } from 'millstream/testing'
import { expect, test } from 'vitest'

const HERE = /test\/testing\/leaks\.test\.ts:\d+/

/** What a watch names while something is left open; behind `close` it must name nothing. */
async function named(leak: () => Promise<() => unknown>): Promise<LeakError> {
  const watch = watchLeaks({ patience: 0 })
  const close = await leak()
  const error: unknown = await watch.check().catch((thrown: unknown) => thrown)
  await close()
  await watchLeaks().check()
  expect(error).toBeInstanceOf(LeakError)
  return error as LeakError
}

test('a timer is named, with the place that set it', async () => {
  const error = await named(async () => {
    const timer = setTimeout(() => undefined, 60_000)
    return () => clearTimeout(timer)
  })
  expect(error.leaks).toEqual([
    { what: 'timer of 60000 ms, setTimeout', where: expect.stringMatching(HERE) as string },
  ])
  expect(error.message).toMatch(
    /^1 left open after 0 ms:\n {2}timer of 60000 ms, .*leaks\.test\.ts:\d+/,
  )
})

test('so is one that does not keep the process alive, an interval, and a sleep', async () => {
  const error = await named(async () => {
    const timer = setTimeout(() => undefined, 60_000).unref()
    const beat = setInterval(() => undefined, 50_000)
    const control = new AbortController()
    const sleeping = sleep(40_000, undefined, { signal: control.signal }).catch(() => undefined)
    return async () => {
      clearTimeout(timer)
      clearInterval(beat)
      control.abort()
      await sleeping
    }
  })
  expect(error.leaks.map(({ what }) => what)).toEqual([
    'timer of 60000 ms, setTimeout',
    'timer of 50000 ms, setInterval',
    'timer of 40000 ms, setTimeout of timers/promises',
  ])
})

test('a timer that rang is no leak', async () => {
  const watch = watchLeaks()
  await new Promise((resolve) => setTimeout(resolve, 1))
  await sleep(1)
  expect(watch.leaks()).toEqual([])
})

test.runIf(process.platform === 'linux')('an open file is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'leak-'))
  const path = join(folder, 'a.txt')
  const error = await named(async () => {
    const file = await open(path, 'w')
    return () => file.close()
  })
  await rm(folder, { recursive: true })
  expect(error.leaks).toEqual([{ what: `file ${path}` }])
})

test('an iteration that nobody closes is named, and its operators', async () => {
  const error = await named(async () => {
    const iteration = Dataset.fromArray([1, 2, 3])
      .map((x) => x + 1)
      .iterate()
    await iteration.next()
    return () => iteration.close()
  })
  expect(error.leaks).toEqual([
    {
      what: expect.stringMatching(/^iteration map#\d+ \(.*leaks\.test\.ts:\d+\)$/) as string,
      where: expect.stringMatching(HERE) as string,
    },
    { what: expect.stringMatching(/^operator map#\d+ \(/) as string },
  ])
})

test('a source that does not come to its end when it is closed is named', async () => {
  let letGo = (): void => undefined
  const gate = new Promise<void>((resolve) => (letGo = resolve))
  const error = await named(async () => {
    const iteration = Dataset.fromGenerator(async function* () {
      try {
        yield 1
        yield 2
      } finally {
        await gate
      }
    }).iterate()
    await iteration.next()
    const closing = iteration.close()
    return async () => {
      letGo()
      await closing
    }
  })
  expect(error.leaks.map(({ what }) => what)).toEqual([
    expect.stringMatching(/^iteration generator#\d+ .*: closing has not come to an end$/),
    expect.stringMatching(/^operator generator#\d+ .*: closing has not come to an end$/),
  ])
})

test('threads, processes, servers and connections are named', async () => {
  const error = await named(async () => {
    const worker = new Worker('setInterval(() => undefined, 1000)', { eval: true })
    await once(worker, 'online')
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return async () => {
      const over = [once(child, 'close'), once(server, 'close'), once(socket, 'close')]
      await worker.terminate()
      child.kill()
      socket.destroy()
      server.close()
      await Promise.all(over)
    }
  })
  for (const what of [
    /^thread \d+/,
    /^process \d+: .*setInterval/,
    /^server at port/,
    /^connection to 127/,
  ]) {
    expect(error.leaks).toContainEqual({
      what: expect.stringMatching(what) as string,
      where: expect.stringMatching(HERE) as string,
    })
  }
})

test('what was open before does not count', async () => {
  const timer = setTimeout(() => undefined, 60_000)
  const iteration = Dataset.range(3).iterate()
  await iteration.next()
  const watch = watchLeaks()
  expect(watch.leaks()).toEqual([])
  clearTimeout(timer)
  await iteration.close()
})
