import { DataError, messageOf, redact } from '../../errors/index.ts'
import { jsonLine } from '../../formats/index.ts'
import type { DeadLetter } from '../../stream/dead-letter.ts'
import type { Json } from '../../stream/operator.ts'
import { fromBytes, toBytes } from '../../stream/wire-bytes.ts'

/** What an error leaves behind when it is written down, without secrets. */
export interface StoredError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  /** What caused it, from the outside in. */
  readonly causes?: readonly string[]
}

/** A dead letter as a state folder keeps it: a line of JSON. */
export interface StoredLetter extends Omit<DeadLetter, 'element' | 'error'> {
  /** The element as JSON; of one that is more than JSON, what can be shown of it. */
  readonly element: Json
  /** The whole element where it is more than JSON: its bytes, as base64. */
  readonly packed?: string
  /** Why the element could not be kept; then it cannot be tried again. */
  readonly lost?: string
  readonly error: StoredError
  /** When it was given up, ISO 8601. */
  readonly time: string
}

/** Items shown of arrays in elements that are more than JSON. */
const SHOWN = 12
const DEEPEST_CAUSE = 8

export function storedLetter(letter: DeadLetter): StoredLetter {
  const { element, error, ...rest } = letter
  const time = new Date().toISOString()
  return { ...rest, ...storedElement(element), error: storedError(error), time }
}

/** The element of a letter, as it was. @throws DataError when it could not be kept. */
export function elementOf({ element, packed, lost }: StoredLetter): unknown {
  if (lost !== undefined) throw new DataError(`the element could not be kept: ${lost}`)
  if (packed === undefined) return element
  return fromBytes(Buffer.from(packed, 'base64'))[0]
}

function storedElement(element: unknown): Pick<StoredLetter, 'element' | 'packed' | 'lost'> {
  if (isJson(element, 0)) return { element }
  const shown = preview(element)
  try {
    return { element: shown, packed: toBytes([element]).toString('base64') }
  } catch (error) {
    return { element: shown, lost: messageOf(error) }
  }
}

function preview(element: unknown): Json {
  try {
    return JSON.parse(jsonLine(element, { shown: SHOWN })) as Json
  } catch (error) {
    return `(${messageOf(error)})`
  }
}

/** Deeper than this, the bytes take over: they notice elements that refer to themselves. */
const SHALLOW = 32

/** True of what comes out of JSON as it went in. */
function isJson(value: unknown, depth: number): value is Json {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (typeof value !== 'object' || depth > SHALLOW) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isJson(item, depth + 1)) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || 'toJSON' in value) return false
  return Object.values(value).every((member) => isJson(member, depth + 1))
}

function storedError(error: unknown): StoredError {
  if (!(error instanceof Error)) return { name: typeof error, message: redact(messageOf(error)) }
  const causes = causesOf(error)
  return {
    name: error.name,
    message: redact(error.message),
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    ...(error.stack !== undefined && { stack: redact(error.stack) }),
    ...(causes.length > 0 && { causes }),
  }
}

function causesOf(error: Error): readonly string[] {
  const causes: string[] = []
  let { cause } = error
  while (cause !== undefined && causes.length < DEEPEST_CAUSE) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : messageOf(cause)
    causes.push(redact(text))
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return causes
}
