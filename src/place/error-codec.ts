/**
 * Errors across threads. `structuredClone` keeps only the built-in names and no `code`; this keeps all that a
 * user needs to find the fault: name, message, stack, code and other fields, causes, aggregated errors.
 */
import * as own from '../errors/index.ts'

/** An error, or whatever else was thrown, as plain data. */
export type EncodedError =
  | { readonly thrown: unknown }
  | {
      readonly name: string
      readonly message: string
      readonly stack?: string
      readonly cause?: EncodedError
      readonly errors?: readonly EncodedError[]
      /** Its other fields, such as `code` and `path`, as far as they can be copied. */
      readonly fields: Readonly<Record<string, unknown>>
    }

/** Chains of causes are cut after so many links; a chain may be a circle. */
const maxDepth = 8

/** Makes plain data of anything thrown. Never throws. */
export function encodeError(thrown: unknown, depth = 0): EncodedError {
  try {
    if (!(thrown instanceof Error)) return { thrown: cloneable(thrown) ? thrown : String(thrown) }
    // What is thrown may break the promises of its type.
    const { name, message, cause } = thrown
    const deeper = depth < maxDepth
    const errors: unknown = 'errors' in thrown ? thrown.errors : undefined
    return {
      name: asText(name),
      message: asText(message),
      ...(typeof thrown.stack === 'string' && { stack: thrown.stack }),
      ...(deeper && cause !== undefined && { cause: encodeError(cause, depth + 1) }),
      ...(deeper &&
        Array.isArray(errors) && { errors: errors.map((each) => encodeError(each, depth + 1)) }),
      fields: fieldsOf(thrown),
    }
  } catch (error) {
    // A getter or toString of what was thrown throws itself.
    return { thrown: `an error that cannot be read: ${own.messageOf(error)}` }
  }
}

/** The error again: of its class where that is built in or Millstream's, else an `Error` of its name. */
export function decodeError(encoded: EncodedError): unknown {
  if ('thrown' in encoded) return encoded.thrown
  const error = makeError(encoded)
  define(error, 'message', encoded.message)
  define(error, 'stack', encoded.stack)
  if (encoded.cause) define(error, 'cause', decodeError(encoded.cause))
  Object.assign(error, encoded.fields)
  if (error.name !== encoded.name) define(error, 'name', encoded.name)
  return error
}

function makeError(encoded: Exclude<EncodedError, { thrown: unknown }>): Error {
  if (encoded.errors) return new AggregateError(encoded.errors.map(decodeError), encoded.message)
  const error = new Error(encoded.message)
  const type = builtIn[encoded.name] ?? ownClass(encoded)
  // Constructors of Millstream's errors compose their message; the prototype alone makes `instanceof` true.
  if (type) Object.setPrototypeOf(error, type.prototype)
  return error
}

const builtIn: Readonly<Record<string, { readonly prototype: Error }>> = {
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
}

function ownClass(encoded: {
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
}): { readonly prototype: Error } | undefined {
  const code = encoded.fields['code']
  if (typeof code !== 'string' || !code.startsWith('MILLSTREAM_')) return undefined
  // It is named like the error of `AbortSignal.timeout`.
  const name = code === 'MILLSTREAM_TIMEOUT' ? 'CallTimeoutError' : encoded.name
  const type = (own as Readonly<Record<string, unknown>>)[name]
  return typeof type === 'function' && type.prototype instanceof own.MillstreamError
    ? { prototype: type.prototype }
    : undefined
}

function fieldsOf(error: Error): Record<string, unknown> {
  const known = new Set(['name', 'message', 'stack', 'cause', 'errors'])
  const fields = Object.entries(error).filter(([key, value]) => !known.has(key) && cloneable(value))
  const result = Object.fromEntries(fields)
  // DOMException and others keep their code on the prototype.
  if ('code' in error && !('code' in result) && cloneable(error.code)) result['code'] = error.code
  return result
}

function asText(value: unknown): string {
  return String(value)
}

function cloneable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

/** As the engine defines an error's own properties: not enumerable, so they stay out of printed fields. */
function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    configurable: true,
    enumerable: false,
  })
}
