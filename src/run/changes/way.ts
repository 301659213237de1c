import { InvalidArgumentError } from '../../errors/index.ts'
import { specOf } from '../../operators/table.ts'
import { nodesOf, type PlanNode } from '../../plan/node.ts'
import { gathering, oneByOne } from '../one-by-one.ts'

/** The way of elements through a plan with `onlyChanged`. */
export interface Way {
  /** Nodes behind it. */
  readonly behind: ReadonlySet<string>
  /**
   * It, and nodes behind it, up to the last that may leave elements out: they hand on one at a time, so that states tell
   * what an element was made of.
   */
  readonly single: ReadonlySet<string>
  /** True when these make other numbers of elements: then a state may lie within an element. */
  readonly spreads: boolean
  /** True when the sources hold the same in all parts of a run, or the run sees that they don't. */
  readonly fixed: boolean
}

/** What makes one element of one, or leaves it out. */
const countKeeping: ReadonlySet<string> = new Set([...oneByOne, 'enumerate', 'prefetch'])

/** What may stand above: it loses nothing but by the elements' values, and comes to an end. */
const above: ReadonlySet<string> = new Set([
  ...countKeeping,
  'flatMap',
  'interleave',
  'concatenate',
  'unbatch',
  'shuffle',
  'globalShuffle',
  'shard',
  'split',
  'skip',
  'scan',
  'unique',
  'groupBy',
  'ignoreErrors',
  'assertCardinality',
])

/** What may stand behind: it keeps the order of elements, and loses none but by its policy or their values. */
const behind: ReadonlySet<string> = new Set([...countKeeping, ...gathering, 'flatMap'])

const moved = 'put it above onlyChanged'
/** Why something cannot be above it, and what to do. */
const notAbove: Readonly<Record<string, string>> = {
  take: 'what is not taken would count as deleted. Leave it out; to see the first elements: millstream run FILE --take 10 --dry',
  takeWhile: 'what is not taken would count as deleted. Use filter',
  zip: 'it ends with its shortest input, and the rest would count as deleted. Put onlyChanged above it',
  cache: 'it hands out what it has kept, and changes stay unseen. Leave it out',
  repeat: 'each key would come again. Leave it out',
  onlyChanged: 'there can be one in a pipeline. Leave one out',
}
const notBehind: Readonly<Record<string, string>> = {
  take: 'what it leaves out would count as written. Leave it out',
  takeWhile: 'what it leaves out would count as written. Leave it out',
  skip: `what it leaves out would count as written; ${moved}`,
  shard: `what it leaves out would count as written; ${moved}`,
  split: `what it leaves out would count as written; ${moved}`,
  ignoreErrors:
    "what failed would count as written. Say onError: 'skip' or 'deadLetter' where it fails",
  interleave: 'it mixes elements, and one that fails could not be told from others. Use flatMap',
  shuffle: `it mixes elements, and one that fails could not be told from others; ${moved}`,
  onlyChanged: 'there can be one in a pipeline. Leave one out',
}

/** @throws InvalidArgumentError when `onlyChanged` cannot stand behind this plan. */
export function checkAbove(root: PlanNode): void {
  for (const node of nodesOf(root)) {
    const { kind } = specOf(node.op)
    if (kind === 'source' || above.has(node.op)) continue
    const why = notAbove[node.op] ?? 'it does not hand on single elements. Put onlyChanged above it'
    throw new InvalidArgumentError(
      `onlyChanged cannot stand behind ${node.id}${placeOf(node)}: ${why}`,
    )
  }
}

/** The way through a plan; undefined without `onlyChanged`. */
export function wayOf(root: PlanNode): Way | undefined {
  const nodes: PlanNode[] = []
  let node: PlanNode | undefined = root
  for (; node !== undefined && node.op !== 'onlyChanged'; node = node.inputs[0]) nodes.push(node)
  if (node === undefined) return undefined
  const last = nodes.findIndex((each) => leavesOut(each))
  const single = last < 0 ? [] : nodes.slice(last + 1)
  return {
    behind: new Set(nodes.map(({ id }) => id)),
    single: new Set(last < 0 ? [] : [...single, node].map(({ id }) => id)),
    spreads: single.some(({ op }) => !countKeeping.has(op)),
    fixed: nodesOf(node).every(({ op }) => isFixed(op)),
  }
}

/**
 * The way through a plan that is to be written.
 *
 * @throws InvalidArgumentError when something stands behind `onlyChanged` that cannot.
 */
export function checkedWayOf(root: PlanNode): Way | undefined {
  if (!nodesOf(root).some(({ op }) => op === 'onlyChanged')) return undefined
  for (let node = root; node.op !== 'onlyChanged';) {
    const [input] = node.inputs
    const why = whyNotBehind(node)
    if (why !== undefined || input === undefined) {
      const text = why ?? 'it has other inputs'
      throw new InvalidArgumentError(
        `${node.id}${placeOf(node)} cannot stand behind onlyChanged: ${text}`,
      )
    }
    node = input
  }
  return wayOf(root)
}

function whyNotBehind({ op, params, inputs }: PlanNode): string | undefined {
  if (inputs.length > 1) return 'it has other inputs. Put onlyChanged behind it'
  if (!behind.has(op)) return notBehind[op] ?? `it needs to see all elements; ${moved}`
  const { dropRemainder, deterministic } = params as {
    readonly dropRemainder?: boolean
    readonly deterministic?: boolean
  }
  if (deterministic === false) {
    return 'elements overtake each other, and one that fails could not be told from others. Leave deterministic: false out'
  }
  return dropRemainder === true
    ? 'what dropRemainder leaves out would count as written. Leave that out'
    : undefined
}

function leavesOut({ op, params }: PlanNode): boolean {
  if (op === 'keepValid') return true
  return op === 'mapAsync' && (params as { readonly onError: string }).onError !== 'fail'
}

function isFixed(op: string): boolean {
  if (op === 'flatMap' || op === 'interleave') return false
  const spec = specOf(op)
  if (spec.kind !== 'source') return true
  return spec.identity !== undefined || spec.indexed !== undefined
}

function placeOf({ at }: PlanNode): string {
  return at === undefined ? '' : ` (${at})`
}
