import type { GatherSpec } from '../stream/spec.ts'
import { isRecord } from '../tensor/index.ts'

/** The pieces of a generated loop that collect elements for a batch, as text. */
export interface GatherText {
  /** Variables that hold the columns of the batch in the making; `k` is the number of their rows. */
  readonly columns: readonly string[]
  /** Adds `x`, and goes on with the next element unless the batch is full; then `x` is the batch. */
  readonly step: string
  /** Makes `x` of the half batch. */
  readonly rest: string
}

/** Fields of records more than this are collected as records. */
const MAX_FIELDS = 32

/**
 * The fields to collect in columns, when `x`, the first element of a batch, is a flat record of numbers: written
 * directly, such a record is never made (escape analysis), which halves the cost of an element
 * (`npm run bench -- overhead`).
 */
export function fieldsOf(spec: GatherSpec, x: unknown): readonly string[] | undefined {
  if (spec.columns !== true || !isRecord(x)) return undefined
  const fields = Object.entries(x)
  const fits =
    fields.length > 0 &&
    fields.length <= MAX_FIELDS &&
    !('__proto__' in x && Object.hasOwn(x, '__proto__'))
  return fits && fields.every(([, value]) => typeof value === 'number')
    ? fields.map(([name]) => name)
    : undefined
}

interface GatherParts {
  readonly size: number
  /** Name of the function that stacks elements. */
  readonly make: string
  readonly columns: boolean | undefined
  readonly fields: readonly string[] | undefined
  /** Whether it is known that records have these fields and no other. */
  readonly exact: boolean
}

export function gatherText({ size, make, columns, fields, exact }: GatherParts): GatherText {
  const general = `pending.push(x); if (pending.length < ${size}) continue
x = ${make}(pending); pending = []\n`
  if (columns !== true) {
    return { columns: [], step: general, rest: `x = ${make}(pending)` }
  }
  const shape = fields === undefined ? numberShape : recordShape(fields, exact)
  return columnsText(shape, general, size, make)
}

/** How elements of one shape become columns and back, as text. */
interface ShapeText {
  readonly columns: number
  /** Reads `x` into `val0`, `val1` ...; statements. */
  readonly read: string
  /** Whether all of `x` was read. */
  readonly fits: string
  /** The batch, of columns `col0`, `col1` ... or what `cut` makes of them. */
  batch(cut: (column: string) => string): string
  /** Row `q` again. */
  readonly row: string
}

const numberShape: ShapeText = {
  columns: 1,
  read: 'const val0 = x',
  fits: `typeof val0 === 'number'`,
  batch: (cut) => cut('col0'),
  row: 'col0[q]',
}

/**
 * All fields and no other: a field that the first record lacked must not get lost. Counting them makes the record
 * real, which costs as much as all the rest, so it is done only where that is in doubt.
 */
function recordShape(fields: readonly string[], exact: boolean): ShapeText {
  const names = fields.map((name) => JSON.stringify(name))
  const numbers = names.map((_, k) => `typeof val${k} === 'number'`).join(' && ')
  const record = (value: (k: number) => string): string =>
    `{ ${names.map((name, k) => `${name}: ${value(k)}`).join(', ')} }`
  return {
    columns: names.length,
    // `constructor` and not the prototype: on a literal it costs nothing. What has another takes the general way.
    read: `let ${names.map((_, k) => `val${k}`).join(', ')}, fields = ${exact ? names.length : 0}
if (typeof x === 'object' && x !== null && x.constructor === Object) {
  ${names.map((name, k) => `val${k} = x[${name}]`).join('; ')}
  ${exact ? '' : 'for (const _ in x) fields++'}
}`,
    fits: `fields === ${names.length} && ${numbers}`,
    batch: (cut) => record((k) => cut(`col${k}`)),
    row: record((k) => `col${k}[q]`),
  }
}

function columnsText(shape: ShapeText, general: string, size: number, make: string): GatherText {
  const each = (text: (k: number) => string): string =>
    Array.from({ length: shape.columns }, (_, k) => text(k)).join('; ')
  return {
    columns: Array.from({ length: shape.columns }, (_, k) => `col${k}`),
    step: `${shape.read}
if (${shape.fits} && pending.length === 0) {
  if (k === 0) { ${each((k) => `col${k} = new Float64Array(${size})`)} }
  ${each((k) => `col${k}[k] = val${k}`)}
  if (++k < ${size}) continue
  x = ${shape.batch((c) => c)}; k = 0
} else {
  if (k > 0) { for (let q = 0; q < k; q++) pending.push(${shape.row}); k = 0 }
  ${general}}
`,
    rest: `x = k > 0 ? ${shape.batch((c) => `${c}.slice(0, k)`)} : ${make}(pending)`,
  }
}
