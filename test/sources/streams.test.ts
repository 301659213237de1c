import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Dataset, StageError } from 'millstream'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder = ''
let file = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'streams-'))
  file = join(folder, 'bytes.bin')
  await writeFile(file, Buffer.alloc(300_000, 7))
})

afterAll(() => rm(folder, { recursive: true }))

/** A server that sends one piece and then says nothing; resolves when its client has gone. */
async function silentServer(): Promise<{
  readonly url: string
  readonly gone: Promise<unknown>
  close(): Promise<void>
}> {
  let left: (value: unknown) => void = () => undefined
  const gone = new Promise((resolve) => (left = resolve))
  const server = createServer((_: IncomingMessage, answer: ServerResponse) => {
    answer.on('close', left)
    answer.write('first')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    gone,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('a file stream: its chunks, and closed when it is left', async () => {
  const sizes = Dataset.from(createReadStream(file)).map((chunk) => chunk.length)
  expect(await sizes.reduce(0, (sum, n) => sum + n)).toBe(300_000)
  const stream = createReadStream(file, { highWaterMark: 1000 })
  for await (const chunk of Dataset.from(stream)) {
    expect(chunk.length).toBe(1000)
    break
  }
  expect(stream.destroyed).toBe(true)
  expect(stream.closed).toBe(true)
})

test('a file that is not there fails on its first element', async () => {
  const error: unknown = await Dataset.from(createReadStream(join(folder, 'nothing')))
    .toArray()
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(StageError)
  expect(error).toMatchObject({ stage: 'generator#1', index: 0, cause: { code: 'ENOENT' } })
})

test('an http answer that stalls is let go of when the loop is left', async () => {
  const server = await silentServer()
  const request = get(server.url)
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  answer.setEncoding('utf8')
  for await (const piece of Dataset.from<string>(answer)) {
    expect(piece).toBe('first')
    break
  }
  expect(answer.destroyed).toBe(true)
  await server.gone
  await server.close()
})

test('a fetched body that stalls is cancelled by the signal', async () => {
  const server = await silentServer()
  const { body } = await fetch(server.url)
  const control = new AbortController()
  const got: number[] = []
  const read = (async () => {
    if (body === null) return
    for await (const bytes of Dataset.from(body).iterate({ signal: control.signal })) {
      got.push(bytes.length)
      control.abort(new Error('enough'))
    }
  })()
  await expect(read).rejects.toThrow('enough')
  expect(got).toEqual([5])
  await server.gone
  await server.close()
})

test('web streams: read to the end, cancelled when left, and failing', async () => {
  let cancelled: unknown
  const count = (n: number): ReadableStream<number> => {
    let k = 0
    return new ReadableStream({
      pull(controller) {
        if (k < n) controller.enqueue(k++)
        else controller.close()
      },
      cancel(reason) {
        cancelled = reason ?? 'left'
      },
    })
  }
  expect(await Dataset.from(count(5)).toArray()).toEqual([0, 1, 2, 3, 4])
  expect(cancelled).toBeUndefined()
  expect(await Dataset.from(count(1e9)).first()).toBe(0)
  expect(cancelled).toBe('left')
  const failing = new ReadableStream<number>({
    start(controller) {
      controller.error(new RangeError('broken'))
    },
  })
  await expect(Dataset.from(failing).toArray()).rejects.toThrow('broken')
  const locked = count(3)
  locked.getReader()
  await expect(Dataset.from(locked).toArray()).rejects.toThrow(StageError)
})

test('a stream can be read once, and says so when it should be resumed', async () => {
  const run = Dataset.from<number>(Readable.from([1, 2, 3])).iterate()
  await run.next()
  expect(() => run.checkpoint()).toThrow(/fromGenerator/)
  await run.close()
})

test('out as a web stream: everything, no faster than it is read', async () => {
  let made = 0
  const ds = Dataset.range(100_000).map((x) => {
    made++
    return x
  })
  const all: number[] = []
  for await (const x of ds.take(1000).toReadableStream()) all.push(x)
  expect(all).toEqual(Array.from({ length: 1000 }, (_, k) => k))
  made = 0
  const reader = ds.toReadableStream({ chunk: 2 }).getReader()
  expect(await reader.read()).toEqual({ done: false, value: 0 })
  await new Promise(setImmediate)
  expect(made).toBeLessThanOrEqual(4)
  await reader.cancel()
})

test.each([
  ['web', (ds: Dataset<number>, signal?: AbortSignal) => readWeb(ds, signal)],
  ['Node', (ds: Dataset<number>, signal?: AbortSignal) => readNode(ds, signal)],
])('%s: leaving closes the run, errors and aborts come out', async (_, read) => {
  let closed = 0
  const source = Dataset.fromGenerator(async function* () {
    try {
      for (let k = 0; ; k++) yield k
    } finally {
      closed++
    }
  })
  expect(await read(source.take(3))).toEqual([0, 1, 2])
  expect(closed).toBe(1)
  expect(await read(source)).toHaveLength(10)
  expect(closed).toBe(2)
  const failing = source.map((x) => {
    if (x === 4) throw new Error('no 4')
    return x
  })
  await expect(read(failing)).rejects.toThrow('no 4')
  expect(closed).toBe(3)
  const control = new AbortController()
  const aborting = source.map((x) => {
    if (x === 5) control.abort(new Error('stop'))
    return x
  })
  await expect(read(aborting, control.signal)).rejects.toThrow('stop')
  expect(closed).toBe(4)
})

test.each([
  ['web', (ds: Dataset<number>, signal: AbortSignal) => waitWeb(ds, signal)],
  ['Node', (ds: Dataset<number>, signal: AbortSignal) => waitNode(ds, signal)],
])('%s: an abort while nobody reads closes the run', async (_, open) => {
  let closed = 0
  const source = Dataset.fromGenerator(async function* () {
    try {
      for (let k = 0; ; k++) yield k
    } finally {
      closed++
    }
  })
  const control = new AbortController()
  const failed = open(source, control.signal)
  await new Promise(setImmediate)
  control.abort(new Error('stop'))
  await expect(failed).rejects.toThrow('stop')
  expect(closed).toBe(1)
})

test('a Node stream can be piped, and refuses what would end it', async () => {
  const lines = Dataset.range(3).map((x) => `line ${x}\n`)
  const sink = new PassThrough()
  const [got] = await Promise.all([text(sink), pipeline(lines.toNodeStream(), sink)])
  expect(got).toBe('line 0\nline 1\nline 2\n')
  await expect(Dataset.fromArray([1, null]).toNodeStream().toArray()).rejects.toThrow(
    /cannot carry null/,
  )
})

test('around the world', async () => {
  const numbers = Dataset.range(50)
  const there = Dataset.from(numbers.toReadableStream())
  const back = Dataset.from<number>(there.toNodeStream({ highWaterMark: 16 }))
  expect(await back.toArray()).toEqual(await numbers.toArray())
})

/** The first ten elements. */
async function readWeb(ds: Dataset<number>, signal?: AbortSignal): Promise<number[]> {
  const out: number[] = []
  for await (const x of ds.toReadableStream(signal === undefined ? {} : { signal })) {
    if (out.push(x) === 10) break
  }
  return out
}

async function readNode(ds: Dataset<number>, signal?: AbortSignal): Promise<number[]> {
  const out: number[] = []
  const stream = ds.toNodeStream(signal === undefined ? {} : { signal })
  try {
    for await (const x of stream) if (out.push(x as number) === 10) break
  } finally {
    // Leaving the loop destroys it, and does not wait.
    if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
  }
  return out
}

/** Reads one element, then waits for the stream's end. */
async function waitWeb(ds: Dataset<number>, signal: AbortSignal): Promise<void> {
  const reader = ds.toReadableStream({ signal }).getReader()
  await reader.read()
  await reader.closed
}

async function waitNode(ds: Dataset<number>, signal: AbortSignal): Promise<void> {
  const stream = ds.toNodeStream({ signal })
  await once(stream, 'readable')
  stream.read()
  await once(stream, 'never') // rejects on 'error'
}
