import { exactJsonLine } from '../formats/index.ts'
import { DataError, messageOf } from '../index.ts'
import type { TableColumn } from './columns.ts'

/** Values as text of COPY. What the server makes of it is checked there; what has no text is refused here. */

/** One field. @throws DataError for a value that a column of this type cannot hold. */
export function fieldOf(value: unknown, column: TableColumn): string {
  const text = textOf(value, column)
  return text === null ? '\\N' : escaped(text)
}

const JSON_TYPES = new Set(['json', 'jsonb'])
const BRACKETED = /^(vector|halfvec|sparsevec)\b/

function textOf(value: unknown, column: TableColumn): string | null {
  if (value === null || value === undefined) return null
  if (JSON_TYPES.has(column.type)) return jsonOf(value, column)
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      return textOfObject(value, column)
    default:
      throw misfit(`a ${typeof value}`, column)
  }
}

function textOfObject(value: object, column: TableColumn): string {
  if (value instanceof Date) return dateText(value, column)
  if (column.type === 'bytea' && value instanceof Uint8Array) {
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  }
  const items = itemsOf(value)
  if (items !== undefined && BRACKETED.test(column.type)) return `[${items.join(',')}]`
  if (items !== undefined && column.isArray) return arrayText(items, column)
  throw misfit(items === undefined ? 'an object' : 'an array', column)
}

function itemsOf(value: object): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as readonly unknown[]
  return ArrayBuffer.isView(value) && Symbol.iterator in value
    ? Array.from(value as unknown as Iterable<unknown>)
    : undefined
}

function jsonOf(value: unknown, { name, type }: TableColumn): string {
  try {
    return exactJsonLine(value)
  } catch (cause) {
    throw new DataError(`column ${name} (${type}): ${messageOf(cause)}`, { cause })
  }
}

/** An array literal: `{1,"a b",NULL}`. */
function arrayText(items: readonly unknown[], column: TableColumn): string {
  const element = { ...column, type: column.type.replace(/(\[\])+$/, ''), isArray: true }
  const texts = items.map((item) => {
    if (item === null || item === undefined) return 'NULL'
    if (Array.isArray(item) && !JSON_TYPES.has(element.type)) return arrayText(item, element)
    const text = textOf(item, element) ?? 'NULL'
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${texts.join(',')}}`
}

/** Local time with its offset, as pg sends dates: so a date that pg has read is written back as it was. */
function dateText(date: Date, column: TableColumn): string {
  if (Number.isNaN(date.getTime())) throw misfit('an invalid date', column)
  const pad = (n: number, digits = 2): string => String(n).padStart(digits, '0')
  const year = date.getFullYear()
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`
  const day = `${pad(year > 0 ? year : 1 - year, 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`
  return `${day}T${time}${zone}${year > 0 ? '' : ' BC'}`
}

const SPECIAL = /[\\\n\r\t]/
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function escaped(text: string): string {
  return SPECIAL.test(text) ? text.replaceAll(/[\\\n\r\t]/g, (c) => escapes[c] ?? c) : text
}

function misfit(what: string, { name, type }: TableColumn): DataError {
  return new DataError(
    `column ${name}: ${what} does not fit into ${type}; map it to a value that does`,
  )
}
