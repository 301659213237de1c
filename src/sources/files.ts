import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { DataError } from '../errors/index.ts'
import { reasonOf } from '../errors/reason.ts'
import { globBase, globToRegExp, isGlob } from './glob.ts'
import type { Json } from '../stream/operator.ts'
import { combine, keyOfText } from '../stream/random.ts'
import { Listing } from './listing.ts'
import type { SourceSpec } from '../stream/spec.ts'

export interface ListFilesParams {
  /** Files, folders, read with all below them, and patterns. */
  readonly patterns: readonly string[]
  /** Mixed with the run's seed; undefined keeps the files sorted. */
  readonly shuffleSeed: number | undefined
}

export const listFilesSpec: SourceSpec<ListFilesParams> = {
  op: 'listFiles',
  kind: 'source',
  summary:
    'Paths of the files in folders and below, or of those that match a pattern; sorted, or in random order.',
  tfData: 'list_files, sorted unless told to shuffle; folders are read with all below',
  structure: ({ patterns, shuffleSeed }) => ({ patterns, shuffleSeed: shuffleSeed ?? null }),
  cardinality: () => undefined,
  traits: () => ({ runs: 'lists files', resume: 'lists the files again' }),
  identity: async ({ patterns }) => identityOf(await listAll(patterns)),
  open: ({ params: { patterns, shuffleSeed } }, context, from) => {
    const list = (): Promise<readonly string[]> => listAll(patterns)
    const key = shuffleSeed === undefined ? undefined : combine(context.key, shuffleSeed)
    return new Listing(`listFiles(${JSON.stringify(patterns)})`, list, context, from, key)
  },
}

/** One photo of a folder of class folders. */
export interface LabeledFile {
  readonly path: string
  /** Place of its class among the class names, sorted. */
  readonly label: number
  /** Name of its class folder. */
  readonly className: string
}

export interface LabeledFilesParams {
  readonly folder: string
}

export const labeledFilesSpec: SourceSpec<LabeledFilesParams> = {
  op: 'labeledFiles',
  kind: 'source',
  summary: 'Files in class folders with their classes; sorted by class, then path.',
  tfData: 'keras.utils.image_dataset_from_directory, without decoding',
  structure: ({ folder }) => ({ folder }),
  cardinality: () => undefined,
  traits: () => ({ runs: 'lists files', resume: 'lists the files again' }),
  identity: async ({ folder }) => identityOf((await listLabeled(folder)).map(({ path }) => path)),
  open: ({ params: { folder } }, context, from) =>
    new Listing(
      `labeledFiles(${JSON.stringify(folder)})`,
      () => listLabeled(folder),
      context,
      from,
    ),
}

/** Files that are looked at, at once. */
const AT_ONCE = 64

/** Changes when a file comes, goes, grows, shrinks or is written again. */
async function identityOf(files: readonly string[]): Promise<Json> {
  let hash = 0
  for (let k = 0; k < files.length; k += AT_ONCE) {
    const some = files.slice(k, k + AT_ONCE)
    const found = await Promise.all(some.map((file) => stat(file).catch(() => undefined)))
    some.forEach((file, i) => {
      hash = combine(hash, keyOfText(`${file} ${found[i]?.size} ${found[i]?.mtimeMs}`))
    })
  }
  return [files.length, hash]
}

/** The files of all patterns, each once. */
async function listAll(patterns: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(patterns.map(listOne))
  const files = [...new Set(lists.flat())].sort(byCodeUnits)
  if (files.length > 0) return files
  throw new DataError(
    `no file matches ${patterns.join(', ')}, seen from ${process.cwd()}; hidden files are left out`,
  )
}

async function listOne(pattern: string): Promise<readonly string[]> {
  if (!isGlob(pattern)) return (await isFile(pattern)) ? [pattern] : filesBelow(pattern)
  const matches = globToRegExp(pattern)
  const found = await filesBelow(globBase(pattern))
  return found.filter((path) => matches.test(slashes(path)))
}

async function listLabeled(folder: string): Promise<readonly LabeledFile[]> {
  const files = (await filesBelow(folder)).map((path) => ({
    path,
    className: relative(folder, path).split(sep)[0] ?? '',
  }))
  const inFolders = files.filter(({ path, className }) => relative(folder, path) !== className)
  const classes = [...new Set(inFolders.map(({ className }) => className))].sort(byCodeUnits)
  return inFolders
    .map((file) => ({ ...file, label: classes.indexOf(file.className) }))
    .sort((a, b) => a.label - b.label)
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch (cause) {
    throw new DataError(`cannot read ${path}: ${reasonOf(cause)}`, { cause })
  }
}

/** All files below a folder, hidden ones apart, sorted by code units: the same order on every machine. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  try {
    const found: string[] = []
    await walk(folder, found, new Set())
    return found.sort(byCodeUnits)
  } catch (cause) {
    throw new DataError(`cannot list the folder ${folder}: ${reasonOf(cause)}`, { cause })
  }
}

/** Links count as what they point at; one that points nowhere stays, so that reading it says so. */
async function walk(folder: string, found: string[], above: ReadonlySet<string>): Promise<void> {
  const real = await realpath(folder)
  if (above.has(real)) return // a link back up
  const path = new Set([...above, real])
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    const file = join(folder, entry.name)
    const kind = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry
    if (kind?.isDirectory() === true) await walk(file, found, path)
    else if (kind === undefined || kind.isFile()) found.push(file)
  }
}

const slashes = (path: string): string => path.split(sep).join('/')

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
