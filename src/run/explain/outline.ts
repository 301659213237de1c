import type { PlanNode } from '../../plan/node.ts'

/** A node at its place in the plan. */
export interface Item {
  readonly node: PlanNode
  /** Its id, with the way to it where several datasets meet: `zip#1[0]/range#1`. Unique in the plan. */
  readonly name: string
  /** How many operators of several inputs it is below. */
  readonly depth: number
  /** The input of the operator below that starts here. */
  readonly starts: number | undefined
}

/** The plan in the order in which elements pass: sources first, input by input. */
export function outline(root: PlanNode): readonly Item[] {
  const items: Item[] = []
  const visit = (
    node: PlanNode,
    branch: string,
    depth: number,
    input: number | undefined,
  ): void => {
    const several = node.inputs.length > 1
    node.inputs.forEach((above, k) => {
      if (several) visit(above, `${branch}${node.id}[${k}]/`, depth + 1, k)
      else visit(above, branch, depth, input)
    })
    const starts = node.inputs.length === 0 ? input : undefined
    items.push({ node, name: branch + node.id, depth, starts })
  }
  visit(root, '', 0, undefined)
  return items
}
