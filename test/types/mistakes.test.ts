import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { beforeAll, expect, test } from 'vitest'

/** Mistakes in pipelines that the type checker must find, and say in few lines. */
const wrong: Readonly<Record<string, string>> = {
  'a field that is not there': `docs.map((doc) => doc.title)`,
  'a text where a number is': `Dataset.range(3).map((x) => x.toUpperCase())`,
  'an async predicate': `docs.filter(async (doc) => doc.words > 1)`,
  'a predicate without an answer': `docs.filter((doc) => { doc.words > 1 })`,
  'a batch size as text': `docs.batch('32')`,
  'an option that is none': `docs.batch(32, { dropLast: true })`,
  'an option of the wrong type': `docs.map((doc) => doc.id, { parallelism: 'many' })`,
  'a policy that is none': `docs.map((doc) => doc.id, { onError: 'ignore' })`,
  'a rate without a time': `limit('api', { requests: 5000 })`,
  'a rate by an unknown time': `limit('api', { requests: '5000/minute' })`,
  'a limit that is a name': `docs.map(async (doc) => doc.id, { limit: 'api' })`,
  'a cost that is text': `docs.map(async (doc) => doc.id, { cost: (doc) => doc.id })`,
  'a cost of a field that is not there': `docs.map(async (doc) => doc.id, { cost: (doc) => doc.tokens })`,
  'a timeout that is no time': `docs.map(async (doc) => doc.id, { timeout: 'a minute' })`,
  'retries as text': `docs.map(async (doc) => doc.id, { retry: '8' })`,
  'an option of retries that is none': `docs.map(async (doc) => doc.id, { retry: { times: 8 } })`,
  'a cache without a name': `docs.map(async (doc) => doc.id, { cache: true })`,
  'an order by a record': `docs.map(async (doc) => doc.id, { orderedBy: (doc) => doc })`,
  'a result that was not given': `docs.map(async (doc) => doc.id, { spent: (id) => id.usage })`,
  'a member of the batch that is not in the element': `docs.batch(2).map((b) => b.title)`,
  'a number of a batch taken for text': `docs.batch(2).map((b) => b.words[0]?.trim())`,
  'unbatch of what is no batch': `docs.map((doc) => doc.id).unbatch().map((x) => x.length)`,
  'a flatMap that returns a number': `docs.flatMap((doc) => doc.words)`,
  'a scan without an output': `Dataset.range(3).scan(0, (s, x) => s + x)`,
  'a state that is no JSON': `Dataset.range(3).scan(new Map(), (s, x) => [s, x])`,
  'a concatenation with an array': `docs.concatenate([{ id: 'b' }])`,
  'a zip of arrays': `Dataset.zip([docs, [1, 2]])`,
  'a window taken for an array': `Dataset.range(9).window(3).map((w) => w.length)`,
  'a key that is a record': `docs.groupByWindow({ key: (doc) => doc, reduce: (_, w) => w.id, windowSize: 2 })`,
  'a reduce that gives no dataset': `docs.groupByWindow({ key: (doc) => doc.id, reduce: (k) => k, windowSize: 2 })`,
  'a shuffle without a buffer': `docs.shuffle()`,
  'a shuffle of a word': `docs.shuffle('all')`,
  'a schema that is none': `docs.validate((doc) => doc.words > 2)`,
  'a closure on threads': `docs.map(((doc) => doc.id).on(threads(2)))`,
  'a stage for other elements': `docs.map(stage(import.meta, (x: number) => x).on(threads(2)))`,
  'a range of texts': `Dataset.range('0', '9')`,
}

const prelude = `import { Dataset, limit, stage, threads } from 'millstream'
interface Doc { id: string; body: string; words: number }
declare const docs: Dataset<Doc>
`

const root = fileURLToPath(new URL('../../', import.meta.url))
const options: ts.CompilerOptions = {
  ...ts.getParsedCommandLineOfConfigFile(
    `${root}tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))
      },
    },
  )?.options,
  noUnusedLocals: false,
  paths: { millstream: [`${root}src/index.ts`] },
}

/** Checks texts as if they were files of this folder. */
function check(texts: Readonly<Record<string, string>>): {
  readonly errors: (name: string) => readonly string[]
  readonly instantiations: number
} {
  const files = new Map(
    Object.entries(texts).map(([name, text]) => [`${root}test/types/${name}.ts`, text]),
  )
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists } = host
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.fileExists = (path) => files.has(path) || fileExists(path)
  const { getSourceFile } = host
  host.getSourceFile = (path, ...rest) => {
    const text = files.get(path)
    return text === undefined
      ? getSourceFile(path, ...rest)
      : ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  const errors = (name: string): readonly string[] =>
    program
      .getSemanticDiagnostics(program.getSourceFile(`${root}test/types/${name}.ts`))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
  for (const name of Object.keys(texts)) errors(name)
  return { errors, instantiations: program.getInstantiationCount() }
}

const names = Object.keys(wrong)
const fileOf = (name: string): string => `mistake-${names.indexOf(name)}`
let checked: ReturnType<typeof check>

beforeAll(() => {
  const texts = Object.entries(wrong).map(([name, text]) => [
    fileOf(name),
    `${prelude}export const x = ${text}\n`,
  ])
  checked = check({
    ...Object.fromEntries(texts),
    right: `${prelude}export const x = docs.batch(2)\n`,
  })
}, 120_000)

test('what is right has no error', () => {
  expect(checked.errors('right')).toEqual([])
})

test.each(names)('%s is an error of at most three lines', (name) => {
  const errors = checked.errors(fileOf(name))
  expect(errors).not.toEqual([])
  for (const error of errors) expect(error.split('\n').length, error).toBeLessThanOrEqual(3)
})

test('an operator costs at most 50 instantiations', { timeout: 120_000 }, () => {
  const round = `.map((doc) => ({ ...doc, words: doc.words + 1 })).filter((doc) => doc.words > 0).shuffle(10)
    .batch(4).map((b) => b).unbatch().take(9).enumerate().map(([, doc]) => ({ id: doc.id, body: doc.body, words: doc.words })).prefetch(2)`
  const pipeline = (rounds: number): string =>
    `${prelude}export const x = docs${round.repeat(rounds)}\n`
  const short = check({ pipeline: pipeline(1) })
  const long = check({ pipeline: pipeline(9) })
  expect(long.errors('pipeline')).toEqual([])
  const each = (long.instantiations - short.instantiations) / (8 * 10)
  console.log(`${each.toFixed(1)} instantiations an operator`)
  expect(each).toBeLessThanOrEqual(50)
})
