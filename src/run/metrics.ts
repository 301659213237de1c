import type { PlanNode } from '../plan/node.ts'
import { cut } from '../segment/cut.ts'
import type { Chunk } from '../stream/operator.ts'
import { sizeOf } from '../stream/size-of.ts'
import { outline } from './explain/outline.ts'
import { nodesIn } from './explain/parts.ts'
import type { LaneUse } from './tune/lane-use.ts'

/** What one stage of a run did so far: a segment's loop, or an operator that runs on its own. */
export interface StageMetrics {
  /** The operator whose elements come out, such as `batch#1`, or `zip#1[0]/map#1` above several inputs. */
  readonly stage: string
  /** All operators of the stage: those of a segment run as one loop. */
  readonly operators: readonly string[]
  /** Where the user added the last one: `file:line`. */
  readonly at?: string
  /** Elements that came out. */
  readonly elements: number
  readonly chunks: number
  /** Elements that failed and were left out. */
  readonly skipped: number
  /**
   * Milliseconds of work, all lanes together. Loops are timed as a whole, and so are calls and reads of more than 0.2 ms;
   * of shorter ones some are, and stand for the others. Operators that only hand on count as 0.
   */
  readonly busyMs: number
  /** How many may work at once: calls, or workers; on average, where the run changed that. */
  readonly lanes: number
}

/** Counts for one stage, over all its openings: of epochs, and of plans made per element. */
export class StageCounter {
  readonly node: PlanNode
  elements = 0
  chunks = 0
  skipped = 0
  openings = 0
  /** Openings that were read to the end. */
  ended = 0
  #ms = 0
  #timed = 0
  #untimed = 0
  #bytes = 0
  #samples = 0
  #squares = 0
  #lanes = 1
  #use: LaneUse | undefined

  constructor(node: PlanNode) {
    this.node = node
  }

  out(chunk: Chunk | null): void {
    if (chunk === null) {
      this.ended++
      return
    }
    this.elements += chunk.length
    const k = ++this.chunks
    // At chunk 1, 2, 4, 8 ...: elements are measured often enough to know them and too seldom to cost.
    if ((k & (k - 1)) === 0) this.#sample(chunk[0])
  }

  timed(ms: number, n: number): void {
    this.#ms += ms
    this.#timed += n
    if (n > 0) this.#squares += (ms * ms) / n
  }

  untimed(n: number): void {
    this.#untimed += n
  }

  /** So many may work at once. */
  widened(lanes: number): void {
    this.#lanes = Math.max(this.#lanes, lanes)
  }

  /** Its lanes are tuned while it runs. */
  tuned(use: LaneUse): void {
    this.#use = use
  }

  get lanes(): number {
    return this.#use?.width ?? this.#lanes
  }

  /** What its lanes did, where they are told of. */
  get use(): LaneUse | undefined {
    return this.#use
  }

  /** Elements that were worked on. */
  get done(): number {
    return this.#timed + this.#untimed
  }

  /** Of those that were timed: how many, their milliseconds, and the squares of the milliseconds of each. */
  get times(): { readonly count: number; readonly ms: number; readonly squares: number } {
    return { count: this.#timed, ms: this.#ms, squares: this.#squares }
  }

  /** Milliseconds of an element, of those that were timed. */
  get meanMs(): number {
    return this.#timed === 0 ? 0 : this.#ms / this.#timed
  }

  get busyMs(): number {
    return this.#timed === 0 ? this.#ms : this.#ms * (1 + this.#untimed / this.#timed)
  }

  /** Bytes of an element, on average of some. */
  get bytes(): number | undefined {
    return this.#samples === 0 ? undefined : Math.round(this.#bytes / this.#samples)
  }

  #sample(x: unknown): void {
    this.#bytes += sizeOf(x)
    this.#samples++
  }
}

/** The counters of a run, by the names of stages. */
export class Metrics {
  readonly #counters = new Map<string, StageCounter>()

  /** The counter of a stage that is being opened. */
  opened(name: string, node: PlanNode): StageCounter {
    let counter = this.#counters.get(name)
    if (counter === undefined) this.#counters.set(name, (counter = new StageCounter(node)))
    counter.openings++
    return counter
  }

  /** Chunks, and ends, that came out of all stages so far. */
  get progress(): number {
    let sum = 0
    for (const { chunks, ended } of this.#counters.values()) sum += chunks + ended
    return sum
  }

  get counters(): ReadonlyMap<string, StageCounter> {
    return this.#counters
  }

  /** In the order of the plan that ran; those of plans made per element after it. */
  list(root: PlanNode): readonly StageMetrics[] {
    const planned = outline(root).map(({ name }) => name)
    const others = [...this.#counters.keys()].filter((name) => !planned.includes(name))
    return [...planned, ...sourcesFirst(others)].flatMap((name) => {
      const counter = this.#counters.get(name)
      return counter === undefined ? [] : [metricsOf(name, counter)]
    })
  }
}

/** Plans made per element open from their end on: within each of them the other way round. */
function sourcesFirst(names: readonly string[]): readonly string[] {
  const plans = new Map<string, string[]>()
  for (const name of names) {
    const way = name.slice(0, name.lastIndexOf('()/'))
    const plan = plans.get(way) ?? []
    plan.unshift(name)
    plans.set(way, plan)
  }
  return [...plans.values()].flat()
}

function metricsOf(stage: string, counter: StageCounter): StageMetrics {
  const { node, elements, chunks, skipped, busyMs, lanes } = counter
  const way = stage.slice(0, stage.length - node.id.length)
  const segment = cut(node)
  const operators = nodesIn({ node, segment, inputs: [] }).map(({ id }) => way + id)
  const at = node.at === undefined ? {} : { at: node.at }
  return { stage, operators, ...at, elements, chunks, skipped, busyMs, lanes }
}
