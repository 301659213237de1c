/** Copies of the built library without some of what it does, to see what that costs. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type * as millstream from 'millstream'

export type Library = typeof millstream

/** File of dist/, what to look for, what to put there. */
type Edit = readonly [file: string, find: string, replace: string]

const withoutMetrics: readonly Edit[] = [
  ['run/guard.js', 'this.#counter.out(chunk);', ''],
  ['run/meter.js', 'if (this.#untimed-- > 0)', ''],
  ['run/meter.js', 'busy(start, n, _lane, end) {', 'busy(start, n, _lane, end) {\nreturn;'],
  ['run/iteration.js', 'this.#stopwatch.wait();', ''],
  ['run/iteration.js', 'this.#stopwatch.goOn();', ''],
]

/** No state is kept from which a run could go on: neither before a chunk nor before an element. */
const withoutTokens: readonly Edit[] = [
  ['stream/inlet.js', 'this.#before = this.#up.tok();', 'this.#before = null;'],
  ['run/iteration.js', 'const before = this.#inlet.tok();', 'const before = null;'],
  [
    'segment/segment.js',
    'const before = this.#filling === undefined ? inlet.tok() : this.#beforeFill;',
    'const before = null;',
  ],
  ['segment/segment.js', 'this.#gathers ? (this.#clean ?? this.#here()) : undefined', 'undefined'],
  [
    'segment/generate.js',
    '#copy(to, from, start = 0) {',
    "#copy(to, from, start = 0) {\nreturn '';",
  ],
  ['segment/generate.js', 'cleanI = i + 1; ', ''],
  ['stream/marks.js', 'marks.add(inlet);', ''],
  ['operators/shuffle.js', 'if (this.#marks.count >= this.#trimAt)', 'if (false)'],
  ['operators/work-input.js', 'const before = this.#inlet.tok();', 'const before = null;'],
  [
    'operators/work-input.js',
    'this.#marks.push({ state, offset, ordinal, origin: this.#inlet.origin(), behind });',
    '',
  ],
]

export const variants: Readonly<Record<string, readonly Edit[]>> = {
  millstream: [],
  'without change': [],
  'without metrics': withoutMetrics,
  'without tokens': withoutTokens,
  'without both': [...withoutMetrics, ...withoutTokens],
}

/** Writes all variants to a folder, which `remove` deletes. */
export function makeVariants(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'millstream-cost-'))
  const remove = (): void => rmSync(folder, { recursive: true })
  try {
    for (const [name, edits] of Object.entries(variants)) copy(folderOf(folder, name), edits)
    return { folder, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** Loads all variants into this process, each with code of its own. */
export async function importVariants(folder: string): Promise<ReadonlyMap<string, Library>> {
  const libraries = new Map<string, Library>()
  for (const name of Object.keys(variants)) {
    const url = pathToFileURL(join(folderOf(folder, name), 'dist/index.js')).href
    libraries.set(name, (await import(url)) as Library)
  }
  return libraries
}

const folderOf = (folder: string, name: string): string => join(folder, name.replace(' ', '-'))

function copy(folder: string, edits: readonly Edit[]): void {
  const dist = join(folder, 'dist')
  cpSync(fileURLToPath(new URL('../../dist', import.meta.url)), dist, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [file, find, replace] of edits) {
    const text = readFileSync(join(dist, file), 'utf8')
    if (!text.includes(find)) {
      throw new Error(
        `bench cost: dist/${file} has no ${find}; bring bench/cases/cost-copies.ts up to date`,
      )
    }
    writeFileSync(
      join(dist, file),
      text.replace(find, () => replace),
    )
  }
}
