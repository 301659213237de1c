import { InvalidArgumentError } from '../errors/index.ts'
import { specOf } from '../operators/table.ts'
import type { PlanNode } from '../plan/node.ts'
import type { IndexedSource, PositionMap, RowSpec, ViewSpec } from '../stream/spec.ts'

/** An operator that rearranges the positions of the source below it. */
export interface View {
  readonly node: PlanNode
  readonly map: PositionMap
}

/** The operators above a source with random access: those on its positions, and those on its elements. */
export interface Lifted {
  /** The one next to the source first. */
  readonly views: readonly View[]
  /** The rest, each with the number of views below it. */
  readonly rows: readonly { readonly node: PlanNode; readonly views: number }[]
  /** Number of elements behind the views. */
  readonly length: number
}

/**
 * Takes operators on positions out of the operators above a source. Next to the source all of them: nothing
 * below sees the elements left out. Above operators that work on single elements only what calls these on the
 * same elements: a reordering, or an end cut off.
 *
 * @throws InvalidArgumentError when something between a view and the source works on more than one element.
 */
export function lift(nodes: readonly PlanNode[], source: IndexedSource): Lifted {
  const views: View[] = []
  const rows: { readonly node: PlanNode; readonly views: number }[] = []
  let { length } = source
  let single = true
  for (const node of nodes) {
    const spec = specOf(node.op) as RowSpec | ViewSpec
    const map = single ? mapOf(node, spec, length) : undefined
    if (map !== undefined && (spec.kind === 'view' || rows.length === 0 || map.prefix === true)) {
      views.push({ node, map })
      length = map.length
    } else if (spec.kind === 'view') {
      throw noPositions(node, rows.find((row) => !onSingles(row.node))?.node)
    } else {
      rows.push({ node, views: views.length })
      single &&= onSingles(node)
    }
  }
  return { views, rows, length }
}

function mapOf(node: PlanNode, spec: RowSpec | ViewSpec, length: number): PositionMap | undefined {
  if (spec.kind === 'view') return spec.view(node.params as never, length)
  return spec.rows === 'same' || spec.rows === 'fewer'
    ? spec.view?.(node.params as never, length)
    : undefined
}

/** True for operators that make one element of one, whatever came before. */
function onSingles({ op }: PlanNode): boolean {
  const spec = specOf(op)
  return spec.kind === 'row' && spec.rows === 'same' && spec.state === undefined
}

/** The error of a view above something without random access. */
export function noPositions(view: PlanNode, culprit: PlanNode | undefined): InvalidArgumentError {
  const at = culprit?.at === undefined ? '' : ` (${culprit.at})`
  return new InvalidArgumentError(
    "shuffle('global') needs elements by position: of range, counter, random, fromArray or fromTensorSlices, " +
      `with nothing but synchronous maps between; ${culprit?.id ?? view.id}${at} has none. ` +
      'Shuffle before it (files: listFiles(pattern, { shuffle: true })), or with a buffer: shuffle(10_000)',
  )
}
