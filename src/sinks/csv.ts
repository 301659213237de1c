import { DataError, InvalidArgumentError } from '../errors/index.ts'
import type { Json } from '../stream/operator.ts'
import type { Sink, SinkContext, Writer } from '../stream/sink.ts'
import { describe, isRecord } from '../tensor/index.ts'
import { checkFilePath, GrowingFile } from './file.ts'

/** What fits into a field: null and undefined are empty, dates are written as ISO 8601. */
export type CsvValue = string | number | boolean | bigint | Date | null | undefined

/** A record of which every member fits into a field. */
export type CsvRow<T> = object & { readonly [K in keyof T]: CsvValue }

/** How a CSV file is written. */
export interface CsvOptions {
  /** Fields and their order. Default: the members of the first element; then empty results have no header. */
  readonly columns?: readonly string[]
  /** Whether the first line names the columns. Default true. */
  readonly header?: boolean
  /** One character between fields. Default `,`. */
  readonly delimiter?: string
  /** Ends each line. Default `\n`; RFC 4180 has `\r\n`. */
  readonly newline?: '\n' | '\r\n'
}

type Options = Required<Omit<CsvOptions, 'columns'>> & Pick<CsvOptions, 'columns'>

/**
 * Writes records as CSV, quoted as RFC 4180 says. An empty text is `""`, null and undefined are nothing. A record
 * with a member that has no column, or whose value does not fit into a field, is refused with its row. Nobody ever
 * sees half a file: it has its name when it is complete, and replaces what was there.
 *
 * @throws InvalidArgumentError when an option makes no sense.
 */
export function csv<T extends CsvRow<T>>(path: string, options: CsvOptions = {}): Sink<T> {
  checkFilePath('csv', path)
  const { columns, header = true, delimiter = ',', newline = '\n' } = options
  checkOptions(columns, delimiter, newline)
  const all: Options = { header, delimiter, newline, ...(columns && { columns }) }
  return {
    name: `csv(${path})`,
    structure: { sink: 'csv', path, ...all },
    open: (context) => openRows(path, all, context),
    discard: (run) => GrowingFile.discard(path, run),
    missing: (state) => GrowingFile.missing(path, (state as unknown as CsvState).file),
  }
}

function checkOptions(
  columns: readonly string[] | undefined,
  delimiter: string,
  newline: string,
): void {
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
    throw new InvalidArgumentError(
      `csv: delimiter must be one character other than a quote or an end of line, not ${JSON.stringify(delimiter)}`,
    )
  }
  if (newline !== '\n' && newline !== '\r\n') {
    throw new InvalidArgumentError(`csv: newline must be '\\n' or '\\r\\n'`)
  }
  if (columns !== undefined && (columns.length === 0 || new Set(columns).size < columns.length)) {
    throw new InvalidArgumentError('csv: columns must be names, each once')
  }
}

/** What a commit keeps. */
interface CsvState {
  readonly file: Json
  readonly columns: readonly string[] | null
}

async function openRows<T>(
  path: string,
  options: Options,
  context: SinkContext,
): Promise<Writer<T>> {
  const { state: own, behind: before, ...rest } = context
  const behind = before as unknown as CsvState | undefined
  const state = (own as unknown as CsvState | undefined) ?? behind
  const file = await GrowingFile.open(path, {
    ...rest,
    state: own === undefined ? undefined : state?.file,
    ...(behind && { behind: behind.file }),
  })
  const rows = new Rows(path, options, state?.columns ?? undefined)
  return {
    write: ({ first }, elements) => file.write(rows.text(elements, first)),
    commit: async (_, durable) => {
      await file.write(rows.headerOnce())
      return { file: await file.commit(durable), columns: rows.columns ?? null }
    },
    finish: () => file.finish(),
    abort: () => file.abort(),
  }
}

/** Makes lines of records; the columns are known from the first one on. */
class Rows {
  columns: readonly string[] | undefined
  readonly #path: string
  readonly #options: Options
  readonly #special: RegExp
  #names: ReadonlySet<string> = new Set()
  #headed: boolean

  /** `columns` are those of the lines that are there already. */
  constructor(path: string, options: Options, columns: readonly string[] | undefined) {
    this.#path = path
    this.#options = options
    this.#special = new RegExp(`["\\r\\n${options.delimiter.replace(/[\\\]^-]/, '\\$&')}]`)
    this.#headed = columns !== undefined
    this.#setColumns(columns ?? options.columns)
  }

  text(elements: readonly unknown[], first: number): string {
    const lines: string[] = []
    elements.forEach((element, k) => {
      if (!isRecord(element)) {
        throw this.#refused(first + k, `${describe(element)} is no record; map it to one`)
      }
      if (this.columns === undefined) this.#setColumns(Object.keys(element))
      lines.push(this.#line(element, first + k))
    })
    return this.headerOnce() + lines.join('')
  }

  /** The header, once, as soon as the columns are known. */
  headerOnce(): string {
    if (this.#headed || this.columns === undefined) return ''
    this.#headed = true
    return this.#options.header ? this.#joined(this.columns.map((name) => this.#quoted(name))) : ''
  }

  #setColumns(columns: readonly string[] | undefined): void {
    this.columns = columns
    this.#names = new Set(columns)
  }

  #line(record: Record<string, unknown>, ordinal: number): string {
    for (const name in record) {
      if (this.#names.has(name) || record[name] === undefined) continue
      const known = this.columns?.join(', ') ?? ''
      throw this.#refused(
        ordinal,
        `it has a member ${name}, and the columns are ${known}; name all of them: { columns: [...] }`,
      )
    }
    const columns = this.columns ?? []
    const fields = columns.map((name) => this.#field(record[name], name, ordinal))
    return this.#joined(fields)
  }

  #joined(fields: readonly string[]): string {
    // A line of nothing would be read as no line.
    const line =
      fields.length === 1 && fields[0] === '' ? '""' : fields.join(this.#options.delimiter)
    return line + this.#options.newline
  }

  #field(value: unknown, column: string, ordinal: number): string {
    if (typeof value === 'string') return this.#quoted(value)
    if (value === null || value === undefined) return ''
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
      return String(value)
    }
    if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
    const what = value instanceof Date ? 'an invalid date' : describe(value)
    throw this.#refused(
      ordinal,
      `column ${column}: ${what} does not fit into a field; map it to text or a number`,
    )
  }

  #quoted(text: string): string {
    return text === '' || this.#special.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }

  #refused(ordinal: number, why: string): DataError {
    return new DataError(`csv(${this.#path}), row ${ordinal + 1}: ${why}`)
  }
}
