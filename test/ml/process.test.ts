import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

function node(args: readonly string[], cwd = root): Promise<Ended> {
  const child = spawn(process.execPath, args, { cwd })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, out: out.trim(), err }))
  })
}

describe('a process that ends during a step does not abort', () => {
  const exits = fileURLToPath(new URL('fixtures/exits.ts', import.meta.url))
  const run = (how: string): Promise<Ended> => node(['--import', 'tsx', exits, how])

  test('dispose', async () => {
    const { code, out } = await run('dispose')
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^(ful|re)/) as string })
  })

  test('an error nobody caught', async () => {
    const { code, signal, err } = await run('throw')
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(err).toContain('planted')
  })

  test('process.exit', async () => {
    const { code, signal } = await run('exit')
    expect({ code, signal }).toEqual({ code: 7, signal: null })
  })

  test('main ends: steps in flight are done first', async () => {
    const { code, out } = await run('forget')
    expect({ code, out }).toEqual({ code: 0, out: '1 2' })
  })

  test('a forgotten idle trainer does not keep the process', async () => {
    const { code, signal } = await run('idle')
    expect({ code, signal }).toEqual({ code: 0, signal: null })
  })
})

describe('as built files', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millstream-built-'))
    for (const part of ['errors', 'stream', 'ml']) await build(part)
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(
      join(folder, 'main.js'),
      `import { onnxEngine } from './ml/index.js'
       const spec = ${JSON.stringify({
         input: { shape: [4, 4, 1], mean: [0], std: [1] },
         layers: [{ op: 'flatten' }, { op: 'dense', units: 2 }],
         classes: ['a', 'b'],
         batch: 1,
         seed: 1,
         optimizer: { kind: 'sgd' },
       })}
       try {
         const trainer = await onnxEngine.create(spec)
         console.log((await trainer.predict(new Uint8Array(16), 1)).length)
         await trainer.dispose()
       } catch (error) {
         console.log(error.code, error.message)
       }`,
    )
  })
  afterAll(() => rm(folder, { recursive: true }))

  /** What tsc does to a file, without the types. */
  async function build(part: string): Promise<void> {
    const source = join(root, 'src', part)
    for (const name of await readdir(source, { recursive: true })) {
      const target = join(folder, part, name)
      await mkdir(dirname(target), { recursive: true })
      if (name.endsWith('.js')) await cp(join(source, name), target)
      if (!name.endsWith('.ts')) continue
      const { outputText } = ts.transpileModule(await readFile(join(source, name), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          rewriteRelativeImportExtensions: true,
          verbatimModuleSyntax: true,
        },
      })
      await writeFile(target.replace(/\.ts$/, '.js'), outputText)
    }
  }

  test('without onnxruntime-node it says what to install, and how', async () => {
    const { out } = await node(['main.js'], folder)
    expect(out).toContain('MILLSTREAM_MISSING_PACKAGE')
    expect(out).toContain('ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node')
    expect(out).toContain('onnxruntime-node-install=skip')
  })

  test('with it, a thread of JavaScript files works', async () => {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
    expect(await node(['main.js'], folder)).toMatchObject({ code: 0, out: '2' })
  })
})
