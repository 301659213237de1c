import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { MillstreamError, StageAddressError, messageOf } from '../errors/index.ts'
import { birthFunction, birthLabel, fileName, isTwin, pathOf } from './birth.ts'
import { importModule, type Loaded, type Namespace, tsxNeededFor } from './load.ts'
import { recordOf, type StageRecord } from './record.ts'

/** Where a worker finds a stage: it imports `url` and takes the export `key`. */
export interface StageAddress {
  readonly url: string
  readonly key: string
  /** How the address prints, such as `stages.ts#decode`. */
  readonly label: string
  /** URL of tsx's register module, if a thread needs it to import the module. */
  readonly tsx: string | undefined
}

/** A module that is still loading after so many milliseconds waits for itself. */
const loadLimit = 10_000

/**
 * Finds the name under which the stage's module exports it.
 *
 * @throws StageAddressError when a worker could not find the stage; the message says what to change.
 * @throws TypeScriptLoaderError when its module is TypeScript and a worker could not load that.
 */
export async function locate(stage: StageRecord, limit = loadLimit): Promise<StageAddress> {
  const name = birthLabel(stage.url, stage.birth)
  if (!stage.url.startsWith('file:')) {
    throw new StageAddressError(`${name} lives at ${stage.url}; a worker can only import files.`)
  }
  if (isEntry(stage.url)) {
    throw new StageAddressError(
      `${name} is in the program's entry, ${pathOf(stage.url)}: a worker that imports it would run the ` +
        'whole program again. Move the stage to a module of its own and import it from there.',
    )
  }
  const { namespace, tsx = tsxNeededFor(stage.url) } = await load(stage, name, limit)
  const key = keyOf(namespace, stage)
  if (key === undefined) throw notExported(stage, name)
  return { url: stage.url, key, label: `${fileName(stage.url)}#${key}`, tsx }
}

function keyOf(namespace: Namespace, stage: StageRecord): string | undefined {
  const stages = Object.keys(namespace).flatMap((key) => {
    const record = recordOf(namespace[key])
    return record ? [{ key, record }] : []
  })
  const same = stages.find(({ record }) => record.definition === stage.definition)
  const twin = stages.find(
    ({ record }) => pathOf(record.url) === pathOf(stage.url) && isTwin(record.birth, stage.birth),
  )
  return (same ?? twin)?.key
}

async function load(stage: StageRecord, name: string, limit: number): Promise<Loaded> {
  let timer: NodeJS.Timeout | undefined
  const stuck = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new StageAddressError(
          `${name} cannot be reached: ${pathOf(stage.url)} has not finished loading. Does it run the ` +
            'pipeline while it loads? Move the stage to a module of its own, or the run into a function.',
        ),
      )
    }, limit)
  })
  try {
    return await Promise.race([importModule(stage.url), stuck])
  } catch (cause) {
    if (cause instanceof MillstreamError) throw cause
    throw new StageAddressError(
      `${name} cannot be reached: ${pathOf(stage.url)} cannot be imported: ${messageOf(cause)}`,
      { cause },
    )
  } finally {
    clearTimeout(timer)
  }
}

function notExported(stage: StageRecord, name: string): StageAddressError {
  const file = pathOf(stage.url)
  const fn = birthFunction(stage.url, stage.birth)
  return new StageAddressError(
    fn === undefined
      ? `${name} is not exported from ${file}, so a worker cannot find it. Write: export const ... = stage(...). ` +
          'In bundled code, keep the module out of the bundle.'
      : `${name} was made inside ${fn}() and is not an export of ${file}: a worker finds only exports of ` +
          'modules. Make the stage at the top level, export it, and pass what it needs with .with(...).',
  )
}

function isEntry(url: string): boolean {
  const entry = process.argv[1]
  return entry !== undefined && realPath(pathOf(url)) === realPath(resolved(url, entry))
}

/** `node main` may mean main.js. */
function resolved(from: string, path: string): string {
  try {
    return createRequire(from).resolve(path)
  } catch {
    return path
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
