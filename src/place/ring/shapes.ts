/** Records of the same fields as columns, and columns as records: by code that is written for these fields. */
import { codegenAllowed } from '../../run/codegen.ts'

/** The fields of a record, in their order. */
export interface Shape {
  readonly keys: readonly string[]
  /** A column for each field; undefined when a record has other fields, or in another order. */
  split(records: readonly Fields[]): unknown[][] | undefined
  /** The records again. */
  join(columns: readonly (readonly unknown[])[], count: number): Fields[]
}

export type Fields = Record<string, unknown>

/** Shapes whose code is kept. */
const MAX_KEPT = 256
/** Functions with more parts than this are compiled badly. */
const MAX_GENERATED = 64

const kept = new Map<string, Shape>()

/** The shape of these fields. */
export function shapeOf(keys: readonly string[]): Shape {
  const name = JSON.stringify(keys)
  const known = kept.get(name)
  if (known !== undefined) return known
  const generated = keys.length <= MAX_GENERATED && codegenAllowed()
  const shape = generated ? generate(keys) : interpret(keys)
  if (kept.size >= MAX_KEPT) kept.clear()
  kept.set(name, shape)
  return shape
}

function generate(keys: readonly string[]): Shape {
  const names = keys.map((key) => JSON.stringify(key))
  const each = (part: (name: string, k: number) => string): string => names.map(part).join('')
  const split = new Function(
    'keys',
    `return (records) => {
  const n = records.length
  ${each((_, k) => `const c${k} = new Array(n);`)}
  for (let i = 0; i < n; i++) {
    const r = records[i]
    let k = 0
    for (const key in r) if (key !== keys[k++]) return undefined
    if (k !== ${keys.length}) return undefined
    ${each((name, k) => `c${k}[i] = r[${name}];`)}
  }
  return [${each((_, k) => `c${k},`)}]
}`,
  ) as (keys: readonly string[]) => Shape['split']
  const join = new Function(
    'columns',
    'n',
    `${each((_, k) => `const c${k} = columns[${k}];`)}
  const out = new Array(n)
  for (let i = 0; i < n; i++) out[i] = {${each((name, k) => `${name}: c${k}[i],`)}}
  return out`,
  ) as Shape['join']
  return { keys, split: split(keys), join }
}

function interpret(keys: readonly string[]): Shape {
  return {
    keys,
    split: (records) => {
      const same = records.every((record) => hasKeys(record, keys))
      return same ? keys.map((key) => records.map((record) => record[key])) : undefined
    },
    join: (columns, count) =>
      Array.from({ length: count }, (_, i) =>
        Object.fromEntries(keys.map((key, k) => [key, columns[k]?.[i]])),
      ),
  }
}

function hasKeys(record: Fields, keys: readonly string[]): boolean {
  const own = Object.keys(record)
  return own.length === keys.length && own.every((key, k) => key === keys[k])
}
