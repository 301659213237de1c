import { InvalidArgumentError } from '../errors/index.ts'
import type { ZipStructure } from '../operators/zip.ts'
import { type At, makeNode, type PlanNode } from '../plan/node.ts'
import { describe, isRecord } from '../tensor/index.ts'
import { Dataset } from './dataset.ts'

/** Datasets in tuples and records. */
export type ZipInput =
  Dataset<unknown> | readonly ZipInput[] | { readonly [name: string]: ZipInput }

/** The element type of a zip: the structure with each dataset replaced by its element. */
export type Zipped<S> = S extends Dataset<infer T> ? T : { readonly [K in keyof S]: Zipped<S[K]> }

export function zipNode(input: ZipInput, at: At): PlanNode {
  const inputs: PlanNode[] = []
  const structure = walk(input, inputs)
  if (inputs.length === 0) throw new InvalidArgumentError('zip takes at least one dataset')
  return makeNode('zip', { structure }, inputs, at)
}

function walk(part: ZipInput, inputs: PlanNode[]): ZipStructure {
  if (part instanceof Dataset) return inputs.push(part.plan) - 1
  if (Array.isArray(part)) return part.map((member: ZipInput) => walk(member, inputs))
  if (isRecord(part)) {
    const members = Object.entries(part).map(([name, member]) => [name, walk(member, inputs)])
    return Object.fromEntries(members) as ZipStructure
  }
  throw new InvalidArgumentError(`zip takes datasets in tuples and records, not ${describe(part)}`)
}
