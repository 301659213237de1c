/**
 * Checks the package as users get it: the tarball's content, its types, and that it works in an empty folder.
 *
 *     node scripts/check-package.mjs                     all of it; dist/ must be built
 *     node scripts/check-package.mjs --smoke [--node N]  only whether it works, with the Node at N
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkOf, pack, report, root, run, smoke } from './packed.mjs'

/** @import { Check, Manifest, Packed } from './packed.mjs' */

const maxUnpacked = 3_000_000
const promised = ['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json']
const installScripts = ['preinstall', 'install', 'postinstall']

/**
 * @param {Packed} packed
 * @returns {Check}
 */
function size({ unpackedSize }) {
  const name = 'size'
  const note = `${(unpackedSize / 1e6).toFixed(2)} MB unpacked, at most ${maxUnpacked / 1e6}`
  return unpackedSize <= maxUnpacked ? { name, note } : { name, problem: note }
}

/**
 * What must be in the tarball, and what must not.
 * @param {Packed} packed
 * @returns {Check}
 */
function content({ files }) {
  const paths = files.map(({ path }) => path)
  const missing = promised
    .filter((path) => !paths.includes(path))
    .map((path) => `${path} is missing`)
  const alien = paths
    .filter((path) => /\.tsbuildinfo$|(?<!\.d)\.[cm]?ts$/.test(path))
    .map((path) => `${path} does not belong there`)
  const stale = paths
    .filter((path) => /^dist\/.*\.js$/.test(path) && !hasSource(path))
    .map((path) => `${path} has no source any more: remove dist/ and build again`)
  const own = paths
    .filter((path) => /\.(js|ts|json|md|html)$/.test(path))
    .filter(
      (path) =>
        existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8').includes(root),
    )
    .map((path) => `${path} names this machine's ${root}`)
  return problems('content', [...missing, ...alien, ...stale, ...own])
}

/** @param {string} path a compiled file */
function hasSource(path) {
  const source = join(root, path.replace(/^dist/, 'src'))
  return existsSync(source) || existsSync(source.replace(/\.js$/, '.ts'))
}

/**
 * @param {Manifest} manifest
 * @returns {Check}
 */
function weight({ dependencies = {}, bundleDependencies = [], scripts = {} }) {
  return problems('no dependencies, no install scripts', [
    ...Object.keys(dependencies).map((name) => `depends on ${name}`),
    ...bundleDependencies.map((name) => `bundles ${name}`),
    ...installScripts.filter((name) => name in scripts).map((name) => `has a script ${name}`),
  ])
}

/**
 * @param {string} name
 * @param {string[]} found
 * @returns {Check}
 */
function problems(name, found) {
  return found.length === 0 ? { name } : { name, problem: found.join('\n') }
}

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Check}
 */
function tool(name, args) {
  return checkOf(name, run('npx', ['--no-install', ...args], { cwd: root }))
}

function main() {
  const { values } = parseArgs({
    options: { smoke: { type: 'boolean', default: false }, node: { type: 'string' } },
  })
  if (!existsSync(join(root, 'dist')) || readdirSync(join(root, 'dist')).length === 0) {
    report([{ name: 'dist', problem: 'nothing is built: npm run build' }])
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'millstream-package-'))
  try {
    const { tarball, packed, manifest } = pack(folder)
    const works = smoke(tarball, manifest, values.node ?? process.execPath)
    if (values.smoke) {
      report(works)
      return
    }
    report([
      size(packed),
      content(packed),
      weight(manifest),
      tool('publint', ['publint', 'run', tarball, '--strict']),
      tool('are the types wrong', [
        'attw',
        tarball,
        '--profile',
        'esm-only',
        '--no-definitely-typed',
      ]),
      ...works,
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

main()
