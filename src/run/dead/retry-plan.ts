import { makeNode, nodesOf, type PlanNode } from '../../plan/node.ts'
import type { DeadLetter } from '../../stream/dead-letter.ts'
import { gathering, oneByOne } from '../one-by-one.ts'
import { elementOf, type StoredLetter } from './stored-letter.ts'

/** A letter that stays as it is, and why. */
export interface Stuck {
  readonly letter: StoredLetter
  readonly why: string
}

/** What trying letters again takes. */
export interface RetryPlan {
  /** Stage by stage: the elements that it gave up, through it and all behind it. Undefined without any. */
  readonly root: PlanNode | undefined
  readonly stuck: readonly Stuck[]
  /** Gives a letter that failed again the name that it had. */
  readonly as: (letter: DeadLetter) => DeadLetter
}

/** Letters of one stage. */
interface Group {
  readonly stage: string
  readonly letters: StoredLetter[]
  readonly elements: unknown[]
}

/** What works on elements one by one, or gathers neighbours: it takes some as well as all. */
const free: ReadonlySet<string> = new Set([
  ...oneByOne,
  ...gathering,
  'flatMap',
  'interleave',
  'shuffle',
  'prefetch',
  'ignoreErrors',
])
/** What has nothing to do with few elements. */
const leftOut = new Set(['cache', 'assertCardinality'])

export function retryPlan(
  root: PlanNode,
  letters: readonly StoredLetter[],
  run: string,
): RetryPlan {
  const groups = new Map<string, Group>()
  const stuck: Stuck[] = []
  for (const letter of letters) {
    const branch = branchOf(letter)
    try {
      const element = elementOf(letter)
      wayTo(root, branch, letter.stage)
      const key = branch + letter.stage
      const group = groups.get(key) ?? { stage: letter.stage, letters: [], elements: [] }
      groups.set(key, group)
      group.letters.push(letter)
      group.elements.push(element)
    } catch (error) {
      stuck.push({ letter, why: (error as Error).message })
    }
  }
  const all = [...groups.values()]
  const plans = all.map(({ stage, letters: [first], elements }) =>
    planFrom(wayTo(root, first === undefined ? '' : branchOf(first), stage), elements),
  )
  const [only] = plans
  const joined = plans.length > 1 ? concatenated(plans) : only
  return { root: joined, stuck, as: (letter) => renamed(letter, all, joined, run) }
}

/** What of a letter's id stands before its stage: the way there, where plans have branches. */
function branchOf({ id, stage }: Pick<DeadLetter, 'id' | 'stage'>): string {
  return id.slice(0, Math.max(0, id.lastIndexOf(`${stage}:`)))
}

function concatenated(plans: readonly PlanNode[]): PlanNode {
  return plans.reduce((before, next) => makeNode('concatenate', {}, [before, next]))
}

/** Nodes from the end of the plan up to a stage. @throws Error saying why elements cannot take that way. */
function wayTo(root: PlanNode, branch: string, stage: string): readonly PlanNode[] {
  const steps = branch.split('/').filter((step) => step !== '')
  const way: PlanNode[] = []
  for (let node: PlanNode | undefined = root; node !== undefined;) {
    if (node.id === stage && steps.length === 0) return [...way, node]
    if (node.op === 'concatenate') {
      const step = /^(.*)\[(\d+)\]$/.exec(steps.shift() ?? '')
      node = step?.[1] === node.id ? node.inputs[Number(step[2])] : undefined
      continue
    }
    if (!free.has(node.op) && !leftOut.has(node.op)) {
      throw new Error(`${node.id}, behind ${stage}, needs to see all elements; run it anew`)
    }
    if (free.has(node.op)) way.push(node)
    node = node.inputs[0]
  }
  throw new Error(`${branch}${stage} is made while the pipeline runs, inside another stage`)
}

function planFrom(way: readonly PlanNode[], elements: readonly unknown[]): PlanNode {
  const source: PlanNode = makeNode('array', { items: elements }, [])
  return way
    .toReversed()
    .reduce((input, node) => Object.freeze({ ...node, inputs: [input] }), source)
}

/** One that fails again where it failed before stays the same letter; one that fails further on is new. */
function renamed(
  letter: DeadLetter,
  groups: readonly Group[],
  root: PlanNode | undefined,
  run: string,
): DeadLetter {
  const branch = branchOf(letter)
  const group = groups[groupOf(branch, groups.length, root)]
  const rest = letter.id.slice(branch.length)
  const before = group?.stage === letter.stage ? group.letters[letter.index] : undefined
  // What the retry calls its source is the list of letters.
  const { source: _, ...own } = letter
  if (group === undefined || before === undefined) return { ...own, id: `${rest}:${run}` }
  const { id, stage, at, index, source, attempts } = before
  return {
    ...own,
    id,
    stage,
    ...(at !== undefined && { at }),
    index,
    ...(source !== undefined && { source }),
    attempts: attempts + letter.attempts,
  }
}

/** Which of the concatenated plans a branch is: the first is on the left of all, the last on the right of the last. */
function groupOf(branch: string, count: number, root: PlanNode | undefined): number {
  if (count === 1 || root === undefined) return 0
  const rights = nodesOf(root).filter(({ op }) => op === 'concatenate')
  const lefts = branch.split('/').findIndex((step) => step.endsWith('[1]'))
  return lefts < 0 ? 0 : rights.length - lefts
}
