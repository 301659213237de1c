/**
 * Where a stage was made. Its first use is names, before anything runs. Its second: a test runner or loader
 * may hold a module twice, where `===` fails but both instances made their stages in the same order.
 */
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a stage came to be. */
export interface Birth {
  /** `import.meta` of the module instance that made it: one object per instance. */
  readonly module: object
  /** How many stages that instance had made before. */
  readonly ordinal: number
  /** The call stack as V8 writes it; formatted only when it is read. */
  readonly stack?: string
}

const made = new WeakMap<object, number>()

/** One line of a stack that lies in the stage's own module. */
interface Frame {
  readonly line: number
  /** Name of the function around it; undefined at the top level of the module. */
  readonly fn?: string
}

/** Remembers the stack above `caller`. */
export function captureBirth(module: object, caller: (...args: never[]) => unknown): Birth {
  const ordinal = made.get(module) ?? 0
  made.set(module, ordinal + 1)
  const birth: Birth = { module, ordinal }
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 30
  Error.captureStackTrace(birth, caller)
  Error.stackTraceLimit = limit
  return birth
}

/** Whether two stages of one module are the same stage of two instances of it: made by its n-th call. */
export function isTwin(a: Birth, b: Birth): boolean {
  return a.module !== b.module && a.ordinal === b.ordinal
}

/** The function of the stage's module inside which the stage was made; undefined at module level. */
export function birthFunction(url: string, birth: Birth): string | undefined {
  return framesIn(url, birth)[0]?.fn
}

/** A name for a stage before its module is searched: `stages.ts#decode`, or `stages.ts:12`. */
export function birthLabel(url: string, birth: Birth): string {
  const file = fileName(url)
  // A stage made by a function goes by the variable that the function's result went to.
  const line = framesIn(url, birth).at(-1)?.line
  if (line === undefined) return file
  const name = variableAt(url, line)
  return name === undefined ? `${file}:${line}` : `${file}#${name}`
}

/** The last part of a module's URL. */
export function fileName(url: string): string {
  return basename(pathOf(url))
}

/** The path of a file URL without query; other URLs as they are. */
export function pathOf(url: string): string {
  const plain = url.replace(/[?#].*$/, '')
  return plain.startsWith('file:') ? fileURLToPath(plain) : plain
}

function framesIn(url: string, birth: Birth): Frame[] {
  const own = pathOf(url)
  const frames: Frame[] = []
  // `Error.prepareStackTrace` of the user's program may give anything.
  const stack: unknown = birth.stack
  if (typeof stack !== 'string') return frames
  for (const text of stack.split('\n')) {
    const match = /^\s*at (?:(.+) \()?(.+?):(\d+):\d+\)?$/.exec(text)
    if (match?.[2] === undefined || pathOf(match[2]) !== own) continue
    const fn = functionName(match[1])
    frames.push({ line: Number(match[3]), ...(fn === undefined ? {} : { fn }) })
  }
  return frames
}

/** Loaders wrap modules in functions of their own: those names stand for the top level. */
function functionName(name: string | undefined): string | undefined {
  if (name === undefined || /^(async )?(Object|Module)?\.?<anonymous>$/.test(name)) return undefined
  return /^(Module\._compile|eval|__vite_ssr)/.test(name) ? undefined : name
}

/** The variable declared on the line, or above it where a formatter broke the line behind `=`. */
function variableAt(url: string, line: number): string | undefined {
  try {
    const lines = readFileSync(pathOf(url), 'utf8').split('\n')
    const declaration = /\b(?:const|let|var)\s+([\w$]+)/
    const above = lines[line - 2] ?? ''
    const text = /=\s*$/.test(above) ? above : (lines[line - 1] ?? '')
    return declaration.exec(text)?.[1]
  } catch {
    // The source need not be on this disk; the line number is name enough.
    return undefined
  }
}
