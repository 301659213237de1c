import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

/*
 * Mistakes that types do not catch. Each tells by its code what kind it is, where it was made (the line, the stage, the
 * file), why it does not work, and what to write or do instead. They are made in a project of somebody who has only
 * installed millstream, and who may not write everywhere.
 */
const repository = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(join(tmpdir(), 'mistakes-'))
const main = join('node_modules', 'millstream', 'dist', 'cli', 'main.js')
const out = join(project, 'out')
const locked = join(project, 'locked')
/** Root may write everywhere. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/** What `node ARGS` prints in the project, whatever its exit code. */
function node(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: project, ...user }, (_, stdout, stderr) => {
      resolve({ stdout, stderr })
    })
  })
}

const said = new Map<string, string>()

beforeAll(async () => {
  const installed = join(project, 'node_modules', 'millstream')
  for (const part of ['dist', 'package.json']) {
    cpSync(join(repository, part), join(installed, part), { recursive: true })
  }
  cpSync(fileURLToPath(new URL('project', import.meta.url)), project, { recursive: true })
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')
  for (const [folder, mode] of [
    [project, 0o755],
    [out, 0o777],
    [locked, 0o555],
  ] as const) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, mode)
  }
  const { stdout, stderr } = await node('mistakes.js', out, locked)
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const { name, text } = JSON.parse(line) as { readonly name: string; readonly text: string }
    said.set(name, text)
  }
  said.set('stderr', stderr)
}, 120_000)

afterAll(() => rmSync(project, { recursive: true }))

/** Every line of the mistakes' file is one of this. */
const line = /\(?(?:file:.*)?mistakes\.js:\d+/

const mistakes: readonly (readonly [
  name: string,
  code: string,
  why: RegExp,
  mend: RegExp,
  where?: RegExp,
])[] = [
  ['sharp is not installed', 'STAGE_FAILED', /needs the package sharp/, /npm i sharp/],
  ['a photo that is not there', 'STAGE_FAILED', /no such file .*b\.jpg/, /check the path/],
  ['pg is not installed', 'STAGE_FAILED', /needs the package pg/, /npm i pg/],
  ['pg is not installed, for a sink', 'MISSING_PACKAGE', /needs the package pg/, /npm i pg/],
  [
    'onnxruntime-node is not installed',
    'MISSING_PACKAGE',
    /needs the package onnxruntime-node/,
    /npm i onnxruntime-node/,
    /Training/,
  ],
  [
    'a batch of 0',
    'INVALID_ARGUMENT',
    /batch: size .* not the number 0/,
    /whole number of at least 1/,
  ],
  [
    'an option that is misspelt',
    'INVALID_ARGUMENT',
    /map has no option paralellism/,
    /did you mean parallelism\?/,
  ],
  [
    'an option that there is not',
    'INVALID_ARGUMENT',
    /write has no option folder/,
    /takes state, every, budget, cache/,
  ],
  [
    'a policy that there is not',
    'INVALID_ARGUMENT',
    /onError .* not 'ignore'/,
    /'fail', 'skip' or 'deadLetter'/,
  ],
  [
    'a retry that is no number',
    'INVALID_ARGUMENT',
    /retry .* not "often"/,
    /a whole number of at least 0/,
  ],
  ['a time that cannot be read', 'INVALID_ARGUMENT', /timeout .* not '5 parsecs'/, /such as '60s'/],
  [
    'a rate that cannot be read',
    'INVALID_ARGUMENT',
    /requests .* not '5000 per minute'/,
    /such as '5000\/min'/,
  ],
  [
    'a limit that was declared otherwise',
    'INVALID_ARGUMENT',
    /declared with requests 10\/s and now with 20\/s/,
    /declare it once/,
  ],
  [
    'tokens are limited, and nobody says what a call costs',
    'INVALID_ARGUMENT',
    /limit tokens counts tokens/,
    /cost: \(x\) =>/,
  ],
  [
    'a limit that is only a name',
    'INVALID_ARGUMENT',
    /limit must be made/,
    /limit\('name', \{ \.\.\. \}\)/,
  ],
  [
    'a stage that is a closure, on threads',
    'STAGE_ADDRESS',
    /made inside scaledBy\(\) and is not an export/,
    /at the top level, export it, and pass what it needs with \.with\(/,
    /stages\.js#scaledBy/,
  ],
  [
    'a stage of the entry, on threads',
    'STAGE_ADDRESS',
    /in the program's entry/,
    /Move the stage to a module of its own/,
    /mistakes\.js#twice/,
  ],
  [
    'a function in the parameters of a stage',
    'STAGE_ADDRESS',
    /cannot be sent to a worker: \(\) => 2/,
    /Pass data, and make functions .* in the stage's setup/,
  ],
  [
    'a stage that ends its process',
    'WORKER_DIED',
    /element 0: .* exit code 7/,
    /let it throw instead/,
    /stages\.js#exits/,
  ],
  [
    'a predicate that is async',
    'INVALID_ARGUMENT',
    /element 0: .* not a Promise/,
    /await in a map before it/,
    /filter#1 \(mistakes\.js:\d+\)/,
  ],
  [
    'a plain function that returns a promise',
    'INVALID_ARGUMENT',
    /returned a promise/,
    /`async`|parallelism: 16/,
    /map#1 \(mistakes\.js:\d+\), element 0/,
  ],
  [
    'vectors of unequal length in a batch',
    'STAGE_FAILED',
    /element 0 has length 1, element 1 has length 2/,
    /must have one shape/,
    /batch#1 \(mistakes\.js:\d+\)/,
  ],
  [
    'a global shuffle of a generator',
    'INVALID_ARGUMENT',
    /generator#1 .* has none/,
    /Shuffle before it .* or with a buffer: shuffle\(10_000\)/,
  ],
  [
    'no file matches',
    'DATA',
    /ENOENT/,
    /check the path, relative ones are seen from/,
    /out\/photos/,
  ],
  ['a file of lines that is not there', 'DATA', /ENOENT/, /check the path/, /out\/no\.txt/],
  [
    'a line that is no JSON',
    'STAGE_FAILED',
    /is no JSON: Expected/,
    /mend the line, or leave such lines out/,
    /rows\.jsonl:2/,
  ],
  [
    'a saved dataset that is not there',
    'DATA',
    /has no elements that were saved/,
    /dataset\.save\(folder\)/,
  ],
  [
    'an element that the schema refuses',
    'STAGE_FAILED',
    /id: expected number, received string/,
    /validate\(schema, \{ onError: 'skip' \}\)/,
    /validate#1 \(mistakes\.js:\d+\) failed on element 1/,
  ],
  ['a schema that is none', 'INVALID_ARGUMENT', /not an Object/, /such as z\.object\(/],
  [
    'a file in a folder that may not be written',
    'DATA',
    /EACCES/,
    /let this user have access/,
    /locked\/out\.jsonl/,
  ],
  [
    'a state folder that may not be written',
    'DATA',
    /EACCES/,
    /or name another path/,
    /locked\/state/,
  ],
  [
    'a cache folder that may not be written',
    'STORAGE',
    /EACCES/,
    /or name another path/,
    /locked\/cache/,
  ],
  [
    'rows that JSON cannot hold',
    'DATA',
    /\.score: NaN has no JSON/,
    /map it to what should be written/,
    /nan\.jsonl\), element 3/,
  ],
  [
    'rows of unequal columns in CSV',
    'DATA',
    /has a member b, and the columns are a/,
    /name all of them: \{ columns: \[\.\.\.\] \}/,
    /rows\.csv\), row 2/,
  ],
  ['a folder as the file', 'INVALID_ARGUMENT', /out\/ is a folder/, /name a file in it/],
  [
    'write without a sink',
    'INVALID_ARGUMENT',
    /not the string out\.jsonl/,
    /such as to\.jsonl\('out\.jsonl'\)/,
  ],
  [
    'a cached call of what has no hash',
    'INVALID_ARGUMENT',
    /a URL has no value/,
    /give a key made of numbers, texts/,
    /mapAsync#1 \(mistakes\.js:\d+\), element 0/,
  ],
  [
    'a cached call whose result is no data',
    'INVALID_ARGUMENT',
    /a function cannot be kept/,
    /Make plain data of it first/,
    /mapAsync#1 \(mistakes\.js:\d+\), element 0/,
  ],
  [
    'a checkpoint of another pipeline',
    'CHECKPOINT_MISMATCH',
    /differs at batch#1: batch\(size=2/,
    /Resume with the pipeline that made it, or start anew/,
  ],
  [
    'a checkpoint of a source that is read once',
    'NOT_RESUMABLE',
    /can be read only once/,
    /fromGenerator\(\(\) => \.\.\.\)/,
  ],
  [
    'a server that nobody started',
    'STAGE_FAILED',
    /connect ECONNREFUSED 127\.0\.0\.1:1023/,
    /start the server, or check its host and port/,
  ],
  [
    'a key that the server does not know',
    'STAGE_FAILED',
    /401 bad api key/,
    /check the key that the call sends/,
  ],
  [
    'a budget that is no number',
    'INVALID_ARGUMENT',
    /budget: usd .* not "5"/,
    /a number from 0 on/,
  ],
  [
    'dead letters of a run that never was',
    'DATA',
    /no run has its state in .*never/,
    /name its folder: --state DIR/,
  ],
]

const told = mistakes.map(([name, code, why, mend, where = line]) => ({
  name,
  code,
  why,
  mend,
  where,
}))

test.each(told)('$name', ({ name, code, why, mend, where }) => {
  const text = said.get(name) ?? `nothing was said; stderr: ${said.get('stderr')}`
  const [first = ''] = text.split('\n')
  expect(first).toMatch(new RegExp(`^MILLSTREAM_${code}: `))
  expect(text).toMatch(where)
  expect(first).toMatch(why)
  expect(first).toMatch(mend)
})

test('no mistake is left out', () => {
  said.delete('stderr')
  expect([...said.keys()]).toEqual(mistakes.map(([name]) => name))
})

/** On the command line. */
const typed: readonly (readonly [
  args: readonly string[],
  code: string,
  where: RegExp,
  why: RegExp,
  mend: RegExp,
])[] = [
  [['run', 'nothing.js'], 'USAGE', /nothing\.js/, /there is no file nothing\.js/, /check the path/],
  [
    ['run', 'stages.js'],
    'USAGE',
    /stages\.js/,
    /has no default export/,
    /export default dataset\.write\(/,
  ],
  [['run', 'stages.js', '--sate', 'x'], 'USAGE', /--sate/, /Unknown option/, /millstream --help/],
  [['dead', 'list', '--state', 'never'], 'DATA', /never/, /no run has its state in/, /--state DIR/],
]

for (const [args, code, ...parts] of typed) {
  test(`millstream ${args.join(' ')}`, async () => {
    const { stderr } = await node(main, ...args)
    expect(stderr).toMatch(new RegExp(`^MILLSTREAM_${code}: `))
    for (const part of parts) expect(stderr).toMatch(part)
  })
}

const typeScriptLoads = 'typescript' in process.features && process.features.typescript !== false

test.skipIf(typeScriptLoads)('TypeScript without tsx, where Node does not load it', async () => {
  writeFileSync(join(project, 'typed.ts'), 'export const n: number = 1\n')
  const { stderr } = await node(main, 'run', 'typed.ts')
  expect(stderr).toMatch(/^MILLSTREAM_TYPESCRIPT_LOADER: .*typed\.ts is TypeScript, .*npm i tsx/)
})

test('a package that the pipeline imports and that is not installed', async () => {
  writeFileSync(join(project, 'imports.js'), "import 'openai'\n")
  const { stderr } = await node(main, 'run', 'imports.js')
  expect(stderr).toMatch(/ERR_MODULE_NOT_FOUND/)
  expect(stderr).toMatch(/Cannot find package 'openai' imported from .*imports\.js/)
  expect(stderr).toMatch(/npm i NAME/)
})
