import type { PlanNode } from '../../plan/node.ts'
import { StateFolder } from '../state.ts'
import { Pass } from './pass.ts'
import { wayOf } from './way.ts'

/** Compares with the last finished run of a state folder and keeps nothing; undefined without `onlyChanged`. */
export function readingPass(root: PlanNode, folder: string): Pass | undefined {
  const way = wayOf(root)
  if (way === undefined) return undefined
  const base = async () => {
    const { durable: state } = await StateFolder.at(folder).load()
    return (state?.finished === null ? state.changes?.base : state?.changes?.done) ?? null
  }
  return new Pass({ folder, pass: 0, base, way, position: undefined, keeps: false })
}
