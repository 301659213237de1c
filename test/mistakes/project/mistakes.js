/*
 * Mistakes as they are made by somebody who writes JavaScript and has only millstream installed. Run in a copy of this
 * folder; prints a line of JSON for each: its name, and what the command line would say.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dataset, limit, stage, threads, to } from 'millstream'
import { ok } from 'millstream/http'
import { decodeImage } from 'millstream/image'
import { onnxEngine } from 'millstream/ml'
import { table, upsert } from 'millstream/postgres'
import { describeFailure } from './node_modules/millstream/dist/cli/failure.js'
import { config, exits, scaledBy } from './stages.js'

const [, , out, refusing] = process.argv
const file = (name) => join(out, name)
const numbers = () => Dataset.range(10)

export const mistakes = {
  'sharp is not installed': () => {
    writeFileSync(file('a.jpg'), 'a photo')
    return Dataset.fromArray([file('a.jpg')])
      .map(async (path) => decodeImage(path, { size: 8 }))
      .toArray()
  },
  'a photo that is not there': () =>
    Dataset.fromArray([file('b.jpg')])
      .map(async (path) => decodeImage(path, { size: 8 }))
      .toArray(),
  'pg is not installed': () => table('postgres://localhost/db', 'docs', { key: 'id' }).toArray(),
  'pg is not installed, for a sink': () =>
    numbers()
      .map((id) => ({ id }))
      .write(upsert('postgres://localhost/db', 'docs', { key: 'id' }))
      .run(),
  'onnxruntime-node is not installed': () =>
    onnxEngine.create({
      input: { shape: [4, 4, 1], mean: [0], std: [1] },
      layers: [{ op: 'flatten' }, { op: 'dense', units: 2 }],
      classes: ['cat', 'dog'],
      batch: 2,
      seed: 1,
      optimizer: { kind: 'sgd', momentum: 0 },
    }),
  'a batch of 0': () => numbers().batch(0),
  'an option that is misspelt': () => numbers().map((x) => x, { paralellism: 4 }),
  'an option that there is not': () => numbers().write(to.jsonl(file('c.jsonl')), { folder: out }),
  'a policy that there is not': () => numbers().map(async (x) => x, { onError: 'ignore' }),
  'a retry that is no number': () => numbers().map(async (x) => x, { retry: 'often' }),
  'a time that cannot be read': () => numbers().map(async (x) => x, { timeout: '5 parsecs' }),
  'a rate that cannot be read': () => limit('rate', { requests: '5000 per minute' }),
  'a limit that was declared otherwise': () => {
    limit('twice', { requests: '10/s' })
    return limit('twice', { requests: '20/s' })
  },
  'tokens are limited, and nobody says what a call costs': () =>
    numbers().map(async (x) => x, { limit: limit('tokens', { tokens: '1M/min' }) }),
  'a limit that is only a name': () => numbers().map(async (x) => x, { limit: 'openai' }),
  'a stage that is a closure, on threads': () =>
    numbers()
      .map(scaledBy(3).on(threads(1)))
      .toArray(),
  'a stage of the entry, on threads': () =>
    numbers()
      .map(twice.on(threads(1)))
      .toArray(),
  'a function in the parameters of a stage': () => config.with({ factor: () => 2 }),
  'a stage that ends its process': () =>
    numbers()
      .map(exits.on(threads(1)))
      .toArray(),
  'a predicate that is async': () =>
    numbers()
      .filter(async (x) => x > 3)
      .toArray(),
  'a plain function that returns a promise': () =>
    numbers()
      .map((x) => Promise.resolve(x))
      .toArray(),
  'vectors of unequal length in a batch': () =>
    numbers()
      .map((x) => new Float32Array(x + 1))
      .batch(4)
      .toArray(),
  'a global shuffle of a generator': () =>
    Dataset.fromGenerator(function* () {
      yield 1
    }).shuffle('global'),
  'no file matches': () => Dataset.listFiles(file('photos/*.jpg')).toArray(),
  'a file of lines that is not there': () => Dataset.lines(file('no.txt')).toArray(),
  'a line that is no JSON': () => {
    writeFileSync(file('rows.jsonl'), '{"id":1}\n{"id":2,}\n')
    return Dataset.jsonl(file('rows.jsonl')).toArray()
  },
  'a saved dataset that is not there': () => Dataset.load(file('saved')).toArray(),
  'an element that the schema refuses': () =>
    Dataset.fromArray([{ id: 1 }, { id: 'two' }])
      .validate(schema)
      .toArray(),
  'a schema that is none': () => numbers().validate({ type: 'number' }),
  'a file in a folder that may not be written': () =>
    numbers()
      .write(to.jsonl(join(refusing, 'out.jsonl')))
      .run(),
  'a state folder that may not be written': () =>
    numbers()
      .write(to.jsonl(file('a.jsonl')), { state: join(refusing, 'state') })
      .run(),
  'a cache folder that may not be written': () =>
    numbers()
      .map(async (x) => x, { cache: 'ids@v1' })
      .toArray({ cache: join(refusing, 'cache') }),
  'rows that JSON cannot hold': () =>
    numbers()
      .map((id) => ({ id, score: id === 3 ? NaN : 1 }))
      .write(to.jsonl(file('nan.jsonl')))
      .run(),
  'rows of unequal columns in CSV': () =>
    Dataset.fromArray([{ a: 1 }, { a: 1, b: 2 }])
      .write(to.csv(file('rows.csv')))
      .run(),
  'a folder as the file': () => numbers().write(to.jsonl(`${out}/`)),
  'write without a sink': () => numbers().write('out.jsonl'),
  'a cached call of what has no hash': () =>
    numbers()
      .map((x) => new URL(`http://host/${x}`))
      .map(async (url) => url.href, { cache: 'urls@v1' })
      .toArray({ cache: file('cache') }),
  'a cached call whose result is no data': () =>
    numbers()
      .map(async (x) => () => x, { cache: 'fns@v1' })
      .toArray({ cache: file('cache') }),
  'a checkpoint of another pipeline': async () => {
    const run = numbers()
      .map((x) => x)
      .iterate()
    await run.next()
    const checkpoint = run.checkpoint()
    await run.close()
    numbers().batch(2).resume(checkpoint)
  },
  'a checkpoint of a source that is read once': async () => {
    const run = Dataset.from(
      (async function* () {
        yield 1
        yield 2
      })(),
    ).iterate()
    await run.next()
    run.checkpoint()
  },
  'a server that nobody started': () =>
    numbers()
      .map(async (x) => ok(fetch('http://127.0.0.1:1023/', { method: 'POST', body: String(x) })))
      .toArray(),
  'a key that the server does not know': () =>
    numbers()
      .map(async () => ok(Promise.resolve(new Response('bad api key', { status: 401 }))))
      .toArray(),
  'a budget that is no number': () =>
    numbers()
      .map(async (x) => x, { cost: () => ({ usd: 1 }) })
      .toArray({ budget: { usd: '5' } }),
  'dead letters of a run that never was': () =>
    numbers()
      .map(async (x) => x, { onError: 'deadLetter' })
      .write(to.jsonl(file('b.jsonl')))
      .retryDead({ state: file('never') }),
}

export const twice = stage(import.meta, (x) => 2 * x)

const schema = {
  '~standard': {
    version: 1,
    vendor: 'own',
    validate: (value) =>
      typeof value.id === 'number'
        ? { value }
        : { issues: [{ message: 'expected number, received string', path: ['id'] }] },
  },
}

mkdirSync(out, { recursive: true })
for (const [name, make] of Object.entries(mistakes)) {
  let text
  try {
    const result = await make()
    text = `no error: ${String(result)}`
  } catch (error) {
    text = describeFailure(error)
  }
  console.log(JSON.stringify({ name, text }))
}
