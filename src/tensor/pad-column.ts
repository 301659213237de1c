import { InvalidArgumentError } from '../errors/index.ts'
import { describe, mixed } from './batch.ts'
import { checkKind, fitted, type Padding, sizesOf, type Where } from './padding.ts'
import { Column } from './tensor.ts'

/** Columns of text and the like, also columns of columns, filled up to one size. */
export function padColumns(
  items: readonly unknown[],
  padding: Padding,
  where: Where,
): Column<unknown> {
  const rank = Math.max(...items.map(depthOf))
  const given = sizesOf(padding, rank, where)
  const own = items.map((x, i) => {
    if (!(x instanceof Column)) throw mixed('a Column', x, i)
    const shape = new Array<number>(rank).fill(0)
    measure(x, shape, 0)
    return shape
  })
  const value = valueFor(leafOf(items), padding.values, where)
  const sizes = fitted(given, own, where)
  return Column.copy(items.map((x) => filled(x as Column<unknown>, sizes, 0, value)))
}

/** 1 for a column, 2 for a column of columns. */
function depthOf(x: unknown): number {
  if (!(x instanceof Column)) return 0
  let deepest = 0
  for (const item of x as Column<unknown>) deepest = Math.max(deepest, depthOf(item))
  return 1 + deepest
}

function measure(column: Column<unknown>, shape: number[], d: number): void {
  shape[d] = Math.max(shape[d] ?? 0, column.length)
  if (d + 1 === shape.length) return
  column.forEach((item, i) => {
    if (!(item instanceof Column)) throw mixed('a Column', item, i)
    measure(item, shape, d + 1)
  })
}

/** Something that the columns hold, or undefined when they hold nothing. */
function leafOf(items: readonly unknown[]): unknown {
  for (const item of items) {
    const leaf: unknown = item instanceof Column ? leafOf(item) : item
    if (leaf !== undefined && leaf !== null) return leaf
  }
  return undefined
}

const DEFAULTS: Readonly<Record<string, unknown>> = {
  undefined: '',
  string: '',
  boolean: false,
  number: 0,
  bigint: 0n,
}

/** What to pad with, made when the first gap shows: columns of other things may have none. */
function valueFor(leaf: unknown, value: unknown, where: Where): () => unknown {
  if (value !== undefined && value !== null) {
    checkKind(leaf, value, where)
    return () => value
  }
  return () => {
    if ((typeof leaf) in DEFAULTS) return DEFAULTS[typeof leaf]
    throw new InvalidArgumentError(
      `nothing stands for ${describe(leaf)} where columns${where} are filled up: make them of one length, or of text or numbers`,
    )
  }
}

function filled(
  column: Column<unknown>,
  sizes: readonly number[],
  d: number,
  value: () => unknown,
): Column<unknown> {
  const last = d + 1 === sizes.length
  const out = last
    ? Column.copy(column)
    : Column.copy(column.map((item) => filled(item as Column<unknown>, sizes, d + 1, value)))
  for (let k = out.length; k < (sizes[d] ?? 0); k++) {
    out.push(last ? value() : filled(new Column(), sizes, d + 1, value))
  }
  return out
}
