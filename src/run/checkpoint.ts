import { CheckpointMismatchError, NotResumableError } from '../errors/index.ts'
import { specOf } from '../operators/table.ts'
import { checkFingerprint, fingerprint, type NodeLine } from '../plan/fingerprint.ts'
import { nodesOf, type PlanNode } from '../plan/node.ts'
import { REWRITING } from '../rewrite/rewrite.ts'
import type { Json } from '../stream/operator.ts'

/** Where an iteration is: plain JSON, a few hundred bytes whatever the buffers hold. */
export interface Checkpoint {
  readonly v: 1
  /** Hashes of the plan's nodes. */
  readonly plan: readonly string[]
  readonly seed: number
  readonly epoch: number
  /** Which rewriting of the plan the state is of; absent for none. */
  readonly rewriting?: number
  /** State of the pipeline at its end. */
  readonly state: Json
}

export function makeCheckpoint(
  root: PlanNode,
  seed: number,
  epoch: number,
  rewriting: number,
  state: Json,
): Checkpoint {
  const plan = fingerprint(linesOf(root))
  return { v: 1, plan, seed, epoch, ...(rewriting === 0 ? {} : { rewriting }), state }
}

/** @throws CheckpointMismatchError when `checkpoint` is not one of this plan's. */
export function checkCheckpoint(root: PlanNode, checkpoint: Checkpoint): void {
  if (checkpoint.v !== 1 || !Array.isArray(checkpoint.plan)) {
    throw new CheckpointMismatchError('not a checkpoint of this version of Millstream')
  }
  const { rewriting = 0 } = checkpoint
  if (rewriting !== 0 && rewriting !== REWRITING) {
    throw new CheckpointMismatchError(
      `this checkpoint was taken of a plan that was rewritten in way ${rewriting}; this version of Millstream knows ${REWRITING}. ` +
        'Resume with the version that made it, or start anew',
    )
  }
  checkFingerprint(linesOf(root), checkpoint.plan)
}

/** The error to throw when a source of the plan cannot start in the middle; else undefined. */
export function whyNotResumable(root: PlanNode): NotResumableError | undefined {
  for (const node of nodesOf(root)) {
    const spec = specOf(node.op)
    if (spec.kind !== 'source') continue
    const why = spec.notResumable?.(node.params as never)
    if (why === undefined) continue
    const at = node.at === undefined ? '' : ` (${node.at})`
    return new NotResumableError(`${node.id}${at} cannot be resumed: ${why}`)
  }
  return undefined
}

/** Each node with what decides its elements. */
export function linesOf(root: PlanNode): readonly NodeLine[] {
  return nodesOf(root).map((node) => ({ id: node.id, text: lineOf(node) }))
}

function lineOf(node: PlanNode): string {
  const structure = Object.entries(specOf(node.op).structure(node.params as never))
  const params = structure.map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return `${node.op}(${params.join(', ')})`
}
