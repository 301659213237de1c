/** What a user gets: the packed tarball, installed into an empty folder, tried with a given Node. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/**
 * The outcome of one check: without a problem it is passed.
 * @typedef {{ name: string, note?: string, problem?: string }} Check
 */

/**
 * What `npm pack --json` tells.
 * @typedef {{ filename: string, unpackedSize: number, files: { path: string }[] }} Packed
 */

/**
 * The part of package.json that matters here.
 * @typedef {{ version: string, exports: Record<string, unknown>, scripts?: Record<string, string>,
 *   dependencies?: Record<string, string>, bundleDependencies?: string[] }} Manifest
 */

export const root = resolve(import.meta.dirname, '..')

/** Milliseconds that README's example may take. */
const readmeLimit = 120_000
/** Lines of a failed command that are shown. */
const outputLimit = 60

/**
 * Runs a command to its end, without a terminal.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, timeout?: number }} options
 */
export function run(command, args, options) {
  // What `npm run` sets for this repository would lead an npm started here astray.
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(key),
  )
  const env = { ...Object.fromEntries(inherited), NO_COLOR: '1' }
  const done = spawnSync(command, args, {
    ...options,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out = done.stdout ?? ''
  const err = `${done.stderr ?? ''}${done.error === undefined ? '' : String(done.error)}`
  return { ok: done.status === 0, status: done.status, out, err }
}

/**
 * Packs the repository as it stands (dist/ as it was built) into `folder`.
 * @param {string} folder
 * @returns {{ tarball: string, packed: Packed, manifest: Manifest }}
 */
export function pack(folder) {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const done = run('npm', args, { cwd: root })
  if (!done.ok) throw new Error(`npm pack failed:\n${done.err}`)
  const [packed] = /** @type {Packed[]} */ (JSON.parse(done.out))
  if (packed === undefined) throw new Error('npm pack made no tarball')
  const tarball = join(folder, packed.filename)
  const shown = run('tar', ['-xzOf', tarball, 'package/package.json'], { cwd: folder })
  if (!shown.ok) throw new Error(`cannot read ${tarball}:\n${shown.err}`)
  return { tarball, packed, manifest: /** @type {Manifest} */ (JSON.parse(shown.out)) }
}

/**
 * Installs the tarball into an empty folder beside it, without a network, and uses it as a newcomer would.
 * @param {string} tarball
 * @param {Manifest} manifest
 * @param {string} node path of the Node to run with
 * @returns {Check[]}
 */
export function smoke(tarball, manifest, node) {
  const cwd = join(dirname(tarball), 'user')
  mkdirSync(cwd)
  const args = ['install', '--offline', '--no-audit', '--no-fund', tarball]
  const installed = run('npm', args, { cwd })
  if (!installed.ok) return [{ name: 'install offline', problem: installed.err }]
  const names = Object.keys(manifest.exports)
    .filter((path) => path !== './package.json')
    .map((path) => path.replace('.', 'millstream'))
  return [
    { name: 'install offline' },
    ...names.flatMap((name) => [imported(node, cwd, name), required(node, cwd, name)]),
    bin(node, cwd, manifest.version),
    ...readme(node, cwd),
  ]
}

/**
 * @param {string} node
 * @param {string} cwd
 * @param {string} name
 * @returns {Check}
 */
function imported(node, cwd, name) {
  const code = `import '${name}'`
  return checkOf(code, run(node, ['--input-type=module', '-e', code], { cwd }))
}

/**
 * @param {string} node
 * @param {string} cwd
 * @param {string} name
 * @returns {Check}
 */
function required(node, cwd, name) {
  const code = `require('${name}')`
  return checkOf(code, run(node, ['--input-type=commonjs', '-e', code], { cwd }))
}

/**
 * @param {string} node
 * @param {string} cwd
 * @param {string} version
 * @returns {Check}
 */
function bin(node, cwd, version) {
  const name = 'millstream --version'
  const done = run(node, [join(cwd, 'node_modules/.bin/millstream'), '--version'], { cwd })
  if (done.ok && !done.out.includes(version)) {
    return { name, problem: `printed ${JSON.stringify(done.out)}, without ${version}` }
  }
  return checkOf(name, done)
}

/**
 * README's first `ts` block, as pasted: with tsx, and by Node itself where it strips types.
 * @param {string} node
 * @param {string} cwd
 * @returns {Check[]}
 */
function readme(node, cwd) {
  const block = firstBlock()
  if (typeof block === 'string') return [{ name: 'README', problem: block }]
  symlinkSync(join(root, 'node_modules/tsx'), join(cwd, 'node_modules/tsx'))
  const strips = run(node, ['-p', 'Boolean(process.features.typescript)'], { cwd })
  // Most paste into a .ts file, and to an empty folder that is CommonJS: top-level await does not do there.
  return [...new Set([block.file, 'main.ts'])].flatMap((file) => {
    writeFileSync(join(cwd, file), block.code)
    const withTsx = [join(cwd, 'node_modules/tsx/dist/cli.mjs'), file]
    const checks = [typed(cwd, file), printing(`README: tsx ${file}`, node, withTsx, cwd)]
    if (strips.out.trim() !== 'true') return checks
    return [...checks, printing(`README: node ${file}`, node, [file], cwd)]
  })
}

/**
 * The block compiles against the package's types as a strict user has them.
 * @param {string} cwd
 * @param {string} file
 * @returns {Check}
 */
function typed(cwd, file) {
  const flags =
    '--noEmit --strict --target es2023 --lib es2023 --module nodenext --types node --allowImportingTsExtensions'
  const types = ['--typeRoots', join(root, 'node_modules/@types')]
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, ...flags.split(' '), ...types, file]
  return checkOf(`README: types of ${file}`, run(process.execPath, args, { cwd }))
}

/**
 * @param {string} name
 * @param {string} node
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Check}
 */
function printing(name, node, args, cwd) {
  const done = run(node, args, { cwd, timeout: readmeLimit })
  if (done.ok && done.out.trim() === '') return { name, problem: 'ran, and printed nothing' }
  return checkOf(name, done)
}

/**
 * The first `ts` block, and the file it says to paste it into: the last name in backticks before it, else
 * main.ts. A sentence when there is none.
 * @returns {{ code: string, file: string } | string}
 */
function firstBlock() {
  /** @type {string} */
  let text
  try {
    text = readFileSync(join(root, 'README.md'), 'utf8')
  } catch {
    return 'there is no README.md'
  }
  const [, before, code] = /^([\s\S]*?)^```ts\n([\s\S]*?)^```$/m.exec(text) ?? []
  if (before === undefined || code === undefined)
    return 'README.md has no block that begins with ```ts'
  const file = [...before.matchAll(/`([\w-]+\.m?ts)`/g)].at(-1)?.[1] ?? 'main.ts'
  return { code, file }
}

/**
 * @param {string} name
 * @param {{ ok: boolean, status: number | null, out: string, err: string }} done
 * @returns {Check}
 */
export function checkOf(name, done) {
  if (done.ok) return { name }
  const said = `${done.out}\n${done.err}`
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^npm warn|^\s+at .*(node:|\[eval)/.test(line))
  const shown = said.length > outputLimit ? ['...', ...said.slice(-outputLimit)] : said
  return {
    name,
    problem: [`exit ${done.status ?? 'by signal or time limit'}`, ...shown].join('\n'),
  }
}

/**
 * Prints the checks; the process will exit with 1 when one has a problem.
 * @param {Check[]} checks
 */
export function report(checks) {
  for (const { name, note, problem } of checks) {
    const tail = note === undefined ? '' : ` (${note})`
    if (problem === undefined) console.log(`ok    ${name}${tail}`)
    else console.log(`FAIL  ${name}${tail}: ${problem.trimEnd().replaceAll('\n', '\n      ')}`)
  }
  const failed = checks.filter(({ problem }) => problem !== undefined)
  if (failed.length === 0) return
  console.error(`package check failed: ${failed.map(({ name }) => name).join(', ')}`)
  process.exitCode = 1
}
