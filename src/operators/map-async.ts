import type { CallPolicy } from '../limit/calls.ts'
import type { PlanNode } from '../plan/node.ts'
import { CompletionLog } from '../stream/completion-log.ts'
import { SkipLog } from '../stream/decisions.ts'
import type { Body, Chunk, Json, OpenContext, Token } from '../stream/operator.ts'
import { type Origin, span } from '../stream/origin.ts'
import type { PlacedStage } from '../stream/pool.ts'
import { keyOfText } from '../stream/random.ts'
import {
  type JunctionSpec,
  sameCardinality,
  unknownCardinality,
  type UserFn,
} from '../stream/spec.ts'
import { type KnobRange, pinned } from '../stream/tuning.ts'
import { AsFinished } from './results-as-finished.ts'
import { InOrder } from './results-in-order.ts'
import { callRunner, invokeOf, policyRunner } from './work-calls.ts'
import { WorkEdge } from './work-edge.ts'
import { type FailurePolicy, Failures } from './work-failures.ts'
import { WorkInput } from './work-input.ts'
import { pooledPolicyRunner, poolRunner } from './work-pool.ts'
import type { Results, Runner } from './work.ts'

export interface MapAsyncParams extends FailurePolicy {
  /** An asynchronous function, or a stage with the place that runs it. */
  readonly fn: UserFn | PlacedStage
  /** Calls under way at most, for functions; `'auto'` tunes it. */
  readonly parallelism: number | 'auto'
  /** Whether results keep the order of the elements. Default true. */
  readonly deterministic?: boolean
  /** How calls to the world are made. */
  readonly policy?: CallPolicy
}

export const mapAsyncSpec: JunctionSpec<MapAsyncParams> = {
  op: 'mapAsync',
  kind: 'junction',
  summary:
    'Calls an asynchronous function, or a stage on threads, on several elements at once; order is kept unless told otherwise.',
  tfData: 'map with num_parallel_calls, deterministic',
  structure: ({ fn, deterministic = true }) => ({
    ...(typeof fn === 'function' ? {} : { stage: fn.address, config: hashOf(fn.config) }),
    ...(deterministic ? {} : { deterministic }),
  }),
  cardinality: ({ onError }, inputs) =>
    onError === 'fail' ? sameCardinality(undefined, inputs) : unknownCardinality(undefined, inputs),
  decides: ({ deterministic, onError }) => deterministic === false || onError !== 'fail',
  traits: ({ fn, parallelism, policy, deterministic = true }) => ({
    runs:
      (typeof fn === 'function' ? atOnce(policy?.parallelism ?? parallelism) : `on ${fn.place}`) +
      (deterministic ? ', order kept' : ', as they finish'),
    resume: deterministic
      ? 'repeats the calls that were under way'
      : 'repeats the calls that were under way; keeps the order of what buffers below it hold',
  }),
  open: (node, context, from) => new MapAsync(node, context, from),
}

/**
 * Token: [inlet state of the first element not handed out, what was decided since or beyond it, and how many
 * elements were left out before].
 */
class MapAsync implements Body {
  readonly #node: PlanNode<MapAsyncParams>
  readonly #context: OpenContext
  readonly #input: WorkInput
  readonly #results: Results
  readonly #failures: Failures
  #edge: WorkEdge | undefined
  #origin: (() => Origin) | undefined

  constructor(node: PlanNode<MapAsyncParams>, context: OpenContext, from: Json | undefined) {
    const [state, decisions, errors] = Array.isArray(from) ? (from as readonly Json[]) : []
    const before = typeof errors === 'number' ? errors : 0
    this.#node = node
    this.#context = context
    this.#input = new WorkInput(context, state)
    const { next } = this.#input
    this.#results =
      node.params.deterministic === false
        ? new AsFinished(new CompletionLog(next, decisions))
        : new InOrder(next, new SkipLog(decisions))
    this.#failures = new Failures(
      node.params,
      { context, input: this.#input, results: this.#results },
      before,
    )
  }

  async pull(): Promise<Chunk | null> {
    this.#edge ??= new WorkEdge({
      context: this.#context,
      input: this.#input,
      results: this.#results,
      failures: this.#failures,
      runner: await runnerOf(this.#node, this.#context),
    })
    const { low } = this.#results
    const chunk = await this.#edge.pull()
    // Of results that overtook each other only failures know where their elements came from.
    if (this.#node.params.deterministic !== false) {
      this.#origin = () => this.#originOf(low, chunk?.length ?? 0)
    }
    return chunk
  }

  origin(): Origin | undefined {
    return this.#origin?.()
  }

  /** Some of the elements that the chunk stands for may have been left out. */
  #originOf(low: number, count: number): Origin {
    const leftOut = this.#results.low - low - count
    const of = this.#input.originFrom(low)
    return (k) => span(of(k), of(k + leftOut))
  }

  tok(): Token {
    const errors = this.#failures.count
    const [state, decisions] = this.#results.token(this.#input.tok(this.#results.low))
    return errors === 0 ? [state, decisions] : [state, decisions, errors]
  }

  waits(): string | undefined {
    return this.#edge === undefined ? 'its workers to start' : this.#edge.waits()
  }

  stop(): void {
    this.#input.stop()
    this.#edge?.stop()
  }

  async close(): Promise<void> {
    await this.#edge?.settled()
  }
}

async function runnerOf(node: PlanNode<MapAsyncParams>, context: OpenContext): Promise<Runner> {
  const { fn, parallelism, policy, onError } = node.params
  if (typeof fn !== 'function') {
    const replaces = onError !== 'fail'
    if (policy !== undefined) return pooledPolicyRunner(fn, policy, replaces, context)
    // Only here the elements handed out last are the last ordinals, and all of them.
    const lends = node.params.deterministic !== false && onError === 'fail'
    return poolRunner(fn, replaces, context, lends ? context.loan : undefined)
  }
  const invoke = invokeOf(fn, context)
  return policy === undefined
    ? callRunner(invoke, context.knob(callsOf(parallelism)), context, node)
    : policyRunner(invoke, policy, context)
}

/** Calls at once, where the run tunes them: how many to begin with, and at most. */
const FIRST_CALLS = 16
const MOST_CALLS = 256

function callsOf(parallelism: number | 'auto'): KnobRange {
  if (parallelism !== 'auto') return pinned('calls', parallelism)
  return { unit: 'calls', start: FIRST_CALLS, least: 1, most: MOST_CALLS }
}

function atOnce(parallelism: number | 'auto'): string {
  return parallelism === 'auto'
    ? 'as many calls at once as are worth it'
    : `${parallelism} calls at once`
}

function hashOf(config: unknown): number {
  return config === undefined ? 0 : keyOfText(JSON.stringify(config))
}
