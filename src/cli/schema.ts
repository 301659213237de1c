/** The common type of some rows, as TypeScript writes types: `{ id: number; tags: string[]; note?: string | null }`. */
export function schemaOf(rows: readonly unknown[]): string {
  return rows.length === 0 ? 'unknown, there are no rows' : typeOf(rows)
}

/** More kinds of items than this are not told apart. */
const SAMPLE = 100

function typeOf(values: readonly unknown[]): string {
  const kinds = new Map<string, unknown[]>()
  for (const value of values) {
    const kind = kindOf(value)
    const known = kinds.get(kind)
    if (known === undefined) kinds.set(kind, [value])
    else known.push(value)
  }
  return [...kinds].map(([kind, members]) => typeOfKind(kind, members)).join(' | ')
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'array'
  if (ArrayBuffer.isView(value)) {
    const { length } = value as { readonly length?: number }
    return `${value.constructor.name}(${length ?? value.byteLength})`
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return 'record'
  const { shape } = value as { readonly shape?: unknown }
  return Array.isArray(shape)
    ? `${value.constructor.name}[${shape.join(', ')}]`
    : value.constructor.name
}

function typeOfKind(kind: string, values: readonly unknown[]): string {
  if (kind === 'array') return arrayType(values as readonly (readonly unknown[])[])
  if (kind === 'record') return recordType(values as readonly Record<string, unknown>[])
  return kind
}

function arrayType(arrays: readonly (readonly unknown[])[]): string {
  const items = arrays.flatMap((array) => array.slice(0, SAMPLE))
  if (items.length === 0) return 'unknown[]'
  const item = typeOf(items)
  return item.includes(' | ') ? `(${item})[]` : `${item}[]`
}

function recordType(records: readonly Record<string, unknown>[]): string {
  const names = new Set(records.flatMap((record) => Object.keys(record)))
  const members = [...names].map((name) => {
    const holders = records.filter((record) => record[name] !== undefined)
    const optional = holders.length < records.length ? '?' : ''
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
    return `${key}${optional}: ${typeOf(holders.map((record) => record[name]))}`
  })
  return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`
}
