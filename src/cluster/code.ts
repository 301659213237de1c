/**
 * Which code a stage is: its module, the files of the same project that it imports, and the versions of the packages that
 * these import. Code never travels: a worker has the project, and refuses a stage that is other code there.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { ClusterError } from '../errors/index.ts'

/** The code of a stage. */
export interface Code {
  /** Its module, from the root of the project. */
  readonly module: string
  /** Hashes of it and of the files that it imports, by their paths from the root. */
  readonly files: Readonly<Record<string, string>>
  /** Versions of the packages, of Millstream, and the major version of Node. */
  readonly versions: Readonly<Record<string, string>>
}

/** Hexadecimal digits of a hash that are kept and shown. */
const DIGITS = 12

/** The folder of the nearest `package.json`; else `path` itself. */
export function projectOf(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return realpathSync(at)
    if (dirname(at) === at) return realpathSync(folder)
  }
}

/** @throws ClusterError when the module is not there. */
export function codeOf(project: string, module: string): Code {
  const files = new Map<string, string>()
  const versions = new Map([
    ['node', process.versions.node.split('.')[0] ?? ''],
    ['millstream', ownVersion()],
  ])
  const first = join(project, module)
  if (!existsSync(first)) {
    throw new ClusterError(`there is no ${module} in ${project}`)
  }
  const waiting = [realpathSync(first)]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const name = slashes(relative(project, file))
    if (files.has(name)) continue
    const text = readFileSync(file)
    files.set(name, createHash('sha256').update(text).digest('hex').slice(0, DIGITS))
    for (const specifier of specifiersIn(text.toString())) {
      if (specifier.startsWith('.')) waiting.push(...fileOf(file, specifier))
      else noteVersion(versions, file, specifier)
    }
  }
  return { module, files: sorted(files), versions: sorted(versions) }
}

/** How `here` differs from `there`, for people; empty when it does not. */
export function differences(there: Code, here: Code): readonly string[] {
  return [
    ...differing(there.files, here.files, (name) => name),
    ...differing(there.versions, here.versions, (name) => `the version of ${name}`),
  ]
}

function differing(
  there: Readonly<Record<string, string>>,
  here: Readonly<Record<string, string>>,
  shown: (name: string) => string,
): string[] {
  const names = [...new Set([...Object.keys(there), ...Object.keys(here)])]
  return names
    .filter((name) => there[name] !== here[name])
    .map(
      (name) =>
        `${shown(name)} is ${here[name] ?? 'missing'} here and ${there[name] ?? 'missing'} there`,
    )
}

/** Modules that a text names in imports, exports and `import()`; a few too many do no harm. */
function specifiersIn(text: string): string[] {
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]+)\1/g
  return [...text.matchAll(pattern)].flatMap(([, , specifier]) => specifier ?? [])
}

/** The file that a relative import means: as it stands, or with the endings of TypeScript. */
function fileOf(importer: string, specifier: string): string[] {
  const path = resolve(dirname(importer), specifier.replace(/[?#].*$/, ''))
  const typed = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')
  const found = [
    path,
    typed,
    `${path}.ts`,
    `${path}.js`,
    join(path, 'index.ts'),
    join(path, 'index.js'),
  ]
  const file = found.find((each) => /\.[^/\\]+$/.test(each) && existsSync(each))
  return file === undefined ? [] : [realpathSync(file)]
}

function noteVersion(versions: Map<string, string>, importer: string, specifier: string): void {
  const name = /^(@[^/]+\/[^/]+|[^/@][^/]*)/.exec(specifier)?.[1]
  if (name === undefined || specifier.startsWith('node:') || versions.has(name)) return
  for (let at = dirname(importer); dirname(at) !== at; at = dirname(at)) {
    const file = join(at, 'node_modules', name, 'package.json')
    if (!existsSync(file)) continue
    versions.set(name, versionIn(file))
    return
  }
}

function versionIn(file: string | URL): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version?: string }).version ?? ''
}

function ownVersion(): string {
  return versionIn(new URL('../../package.json', import.meta.url))
}

function sorted(map: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function slashes(path: string): string {
  return path.split(sep).join('/')
}
