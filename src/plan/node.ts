/**
 * A pipeline as frozen data: what each Dataset method appends. Printable, hashable, comparable; nothing runs
 * and nothing is opened by making one.
 */
export interface PlanNode<P = unknown> {
  /** Name of the operator, the key of its row in the operator table. */
  readonly op: string
  readonly params: P
  readonly inputs: readonly PlanNode[]
  /** Operator and place among its kind on this branch, such as `map#2`. Keys chance, metrics and errors. */
  readonly id: string
  /** Where the user added it: `file:line`. */
  readonly at?: string | undefined
}

/** Where the user added an operator; a function where finding out costs time, called when somebody asks. */
export type At = string | (() => string | undefined) | undefined

/** Appends an operator to a plan. */
export function makeNode<P>(
  op: string,
  params: P,
  inputs: readonly PlanNode[],
  at?: At,
): PlanNode<P> {
  const id = `${op}#${1 + countOf(op, inputs[0])}`
  if (at === undefined) return Object.freeze({ op, params, inputs, id })
  if (typeof at === 'string') return Object.freeze({ op, params, inputs, id, at })
  return Object.freeze({
    op,
    params,
    inputs,
    id,
    get at() {
      return at()
    },
  })
}

function countOf(op: string, from: PlanNode | undefined): number {
  let count = 0
  for (let node = from; node !== undefined; node = node.inputs[0]) if (node.op === op) count++
  return count
}

/** All nodes of a plan, sources first. */
export function nodesOf(root: PlanNode): readonly PlanNode[] {
  const found: PlanNode[] = []
  const visit = (node: PlanNode): void => {
    for (const input of node.inputs) visit(input)
    found.push(node)
  }
  visit(root)
  return found
}

/** The plan of a dataset, or undefined of any other value. Lower layers know datasets by nothing else. */
export function planOf(value: unknown): PlanNode | undefined {
  if (typeof value !== 'object' || value === null || !('plan' in value)) return undefined
  const { plan } = value
  return typeof plan === 'object' && plan !== null && 'op' in plan && 'inputs' in plan
    ? (plan as PlanNode)
    : undefined
}
