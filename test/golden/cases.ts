/** Reads a folder of golden cases: group folders, each with JSON files of `{ header, cases }`. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from '../../src/errors/index.ts'
import { isRecord } from '../../src/tensor/index.ts'

export interface Group {
  readonly name: string
  readonly cases: readonly GoldenCase[]
}

export interface GoldenCase {
  readonly group: string
  /** The folder of the case's file: names in a case are relative to it. */
  readonly folder: string
  readonly id: string
  readonly header: unknown
  readonly testCase: Readonly<Record<string, unknown>>
}

/**
 * The groups in `dir`, or the one that is asked for.
 *
 * @throws UsageError when the folder, the group, or any case is missing.
 */
export function loadGroups(dir: string, only: string | undefined): readonly Group[] {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new UsageError(`no folder ${dir}`)
  const groups = foldersOf(dir)
    .map((name) => ({ name, cases: loadGroup(dir, name) }))
    .filter(({ cases }) => cases.length > 0)
  const wanted = groups.filter(({ name }) => only === undefined || name === only)
  if (wanted.length > 0) return wanted
  const there = groups.map(({ name }) => name).join(', ')
  throw new UsageError(
    groups.length === 0 ? `no golden cases in ${dir}` : `no group ${only} in ${dir}, but ${there}`,
  )
}

function foldersOf(dir: string): string[] {
  const entries = readdirSync(dir, { withFileTypes: true })
  const folders = entries.filter((e) => statSync(join(dir, e.name)).isDirectory())
  return folders.map((e) => e.name).sort()
}

function loadGroup(dir: string, group: string): GoldenCase[] {
  const files = readdirSync(join(dir, group)).filter((name) => name.endsWith('.json'))
  return files.sort().flatMap((name) => loadFile(join(dir, group, name), group))
}

function loadFile(path: string, group: string): GoldenCase[] {
  const json: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (!isRecord(json) || !Array.isArray(json['cases'])) return []
  const { header, cases } = json
  return cases.filter(isRecord).map((testCase) => ({
    group,
    folder: dirname(path),
    id: String(testCase['id']),
    header,
    testCase,
  }))
}
