import { DataError, InvalidArgumentError, messageOf } from '../errors/index.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { linesOf } from '../run/checkpoint.ts'
import { Iteration, type IterateOptions } from '../run/iteration.ts'
import { findManifest, readManifestSync } from '../storage/store/manifest.ts'
import { StoreWriter } from '../storage/store/store-writer.ts'
import { ElementFailure } from '../stream/failure.ts'
import { describe } from '../tensor/index.ts'

/** Options of `save` beside those of `iterate`. */
export interface SaveOptions extends IterateOptions {
  /** Replaces elements that the folder holds already. Default false. */
  readonly overwrite?: boolean
}

/** The plan's node of elements in a folder. */
export function loadNode(folder: string, at: At): PlanNode {
  const manifest = readManifestSync(checkFolder('load', folder))
  return makeNode('load', { folder, manifest }, [], at)
}

/** The plan's node of a cache: in memory, or in a folder. */
export function cacheNode(input: PlanNode, folder: string | undefined, at: At): PlanNode {
  if (folder !== undefined) checkFolder('cache', folder)
  return makeNode('cache', { folder, lines: linesOf(input) }, [input], at)
}

/** Writes all elements of a plan into a folder. Returns their number. */
export async function savePlan(
  plan: PlanNode,
  folder: string,
  { overwrite = false, ...options }: SaveOptions,
): Promise<number> {
  checkFolder('save', folder)
  const there = await findManifest(folder)
  if (there !== undefined && !overwrite) throw taken(folder, there.elements)
  const iteration = new Iteration<unknown>(plan, options)
  const writer = await StoreWriter.create(folder)
  try {
    for await (const chunk of iteration.chunks()) await writer.add(chunk)
    const { elements } = writer
    if ((await writer.commit(undefined, overwrite)) === 'theirs') throw taken(folder, elements)
    return elements
  } catch (error) {
    throw error instanceof ElementFailure ? notKept(folder, error) : error
  } finally {
    await writer.abort()
  }
}

function checkFolder(op: string, folder: unknown): string {
  if (typeof folder === 'string' && folder !== '') return folder
  throw new InvalidArgumentError(`${op} takes the path of a folder, not ${describe(folder)}`)
}

function taken(folder: string, elements: number): DataError {
  return new DataError(
    `the folder ${folder} holds ${elements} elements already. Save to another folder, or replace them: { overwrite: true }`,
  )
}

function notKept(folder: string, { index, error }: ElementFailure): InvalidArgumentError {
  return new InvalidArgumentError(`save(${folder}), element ${index}: ${messageOf(error)}`, {
    cause: error,
  })
}
