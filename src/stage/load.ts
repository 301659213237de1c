/**
 * How TypeScript modules are loaded: by Node where it strips types, else by the user's tsx. Compiled
 * JavaScript needs neither, and then neither is looked for.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { TypeScriptLoaderError } from '../errors/index.ts'
import { pathOf } from './birth.ts'

/** The part of tsx/esm/api that is used. */
export interface TsxApi {
  register(): unknown
  tsImport(url: string, parent: string): Promise<Namespace>
}

/** What a module exports. */
export type Namespace = Readonly<Record<string, unknown>>

let registered = false

/** Whether the module is TypeScript, by its name. */
export function isTypeScript(url: string): boolean {
  return /\.[cm]?tsx?$/.test(pathOf(url))
}

/**
 * URL of tsx's register module when a fresh thread needs it to import `url`, else undefined.
 *
 * @throws TypeScriptLoaderError when it is needed and not installed.
 */
export function tsxNeededFor(url: string): string | undefined {
  // Where this process runs under tsx, its modules may use what only tsx knows: enums, path aliases.
  const wanted = registered || runsUnderTsx()
  if (!wanted && (!isTypeScript(url) || stripsTypes(url))) return undefined
  const tsx = findTsx(url)
  if (tsx === undefined && isTypeScript(url) && !stripsTypes(url)) {
    throw new TypeScriptLoaderError(pathOf(url))
  }
  return tsx
}

/**
 * Imports a program's module, TypeScript or not, and from then on lets this process import TypeScript. For
 * programs that own their process, such as the command line.
 *
 * @throws TypeScriptLoaderError when that needs tsx and it is not installed.
 */
export async function loadProgram(url: string): Promise<Namespace> {
  const tsx = registered || runsUnderTsx() ? undefined : tsxNeededFor(url)
  if (tsx !== undefined) {
    const api = (await import(tsx)) as TsxApi
    api.register()
    registered = true
  }
  return (await importModule(url)).namespace
}

/** A module, and what a fresh thread needs to import it. */
export interface Loaded {
  readonly namespace: Namespace
  /** URL of tsx's register module, if only tsx could load it. */
  readonly tsx: string | undefined
}

/**
 * Imports a module, without changing how the process loads others.
 *
 * @throws TypeScriptLoaderError when that needs tsx and it is not installed.
 */
export async function importModule(url: string): Promise<Loaded> {
  try {
    return { namespace: (await import(url)) as Namespace, tsx: undefined }
  } catch (error) {
    if (!needsCompiler(error)) throw error
    // A test runner loaded the module by means of its own, which `import()` in this file does not have.
    const tsx = findTsx(url)
    if (tsx === undefined) throw new TypeScriptLoaderError(pathOf(url), { cause: error })
    const api = (await import(tsx)) as TsxApi
    return { namespace: await api.tsImport(url, url), tsx }
  }
}

/** Node strips types from .ts, but does not know JSX, nor touches installed packages. */
function stripsTypes(url: string): boolean {
  const features = process.features as { readonly typescript?: string | boolean }
  return (
    Boolean(features.typescript) && !/\.[cm]?tsx$/.test(url) && !/[\\/]node_modules[\\/]/.test(url)
  )
}

function runsUnderTsx(): boolean {
  const flags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ')
  return /(^|[\s=/\\])tsx($|[\s/\\])/.test(flags)
}

/** tsx as the module's project sees it, else the current folder's, else ours. */
function findTsx(url: string): string | undefined {
  const cwd = pathToFileURL(`${process.cwd()}/`).href
  for (const from of [url, cwd, import.meta.url]) {
    try {
      // `require` finds the CommonJS form, whose register() looks for its files in the wrong folder.
      const api = createRequire(from)
        .resolve('tsx/esm/api')
        .replace(/\.cjs$/, '.mjs')
      return pathToFileURL(api).href
    } catch {
      // Not installed there; the caller says so when it is nowhere.
    }
  }
  return undefined
}

function needsCompiler(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ERR_UNKNOWN_FILE_EXTENSION' || code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
}
