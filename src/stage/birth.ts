/**
 * The place in the source where a stage was made. Its first use is names before anything runs. Its second:
 * a test runner or loader may hold a module twice, where `===` fails but both copies were born on the
 * same lines.
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

/** Whether two stages of one URL are the same stage of two instances of its module. */
export function isTwin(url: string, a: Birth, b: Birth): boolean {
  return a.module !== b.module && a.ordinal === b.ordinal && birthPath(url, a) === birthPath(url, b)
}

/** The lines of the stage's module that led to `stage()`, innermost first, such as `12` or `5<20`. */
function birthPath(url: string, birth: Birth): string {
  return framesIn(url, birth)
    .map((frame) => frame.line)
    .join('<')
}

/** The function of the stage's module inside which the stage was made; undefined at module level. */
export function birthFunction(url: string, birth: Birth): string | undefined {
  return framesIn(url, birth)[0]?.fn
}

/** A name for a stage before its module is searched: `stages.ts#decode`, or `stages.ts:12`. */
export function birthLabel(url: string, birth: Birth): string {
  const file = fileName(url)
  const line = framesIn(url, birth)[0]?.line
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

/** The variable declared on the line, or up to two lines above it where a formatter broke the line. */
function variableAt(url: string, line: number): string | undefined {
  try {
    const lines = readFileSync(pathOf(url), 'utf8').split('\n')
    for (const n of [line - 1, line - 2, line - 3]) {
      const match = /\b(?:const|let|var)\s+([\w$]+)/.exec(lines[n] ?? '')
      if (match) return match[1]
    }
  } catch {
    // The source need not be on this disk; the line number is name enough.
  }
  return undefined
}
