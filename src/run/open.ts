import type { NotResumableError } from '../errors/index.ts'
import { sourceShown } from '../errors/source.ts'
import { specOf } from '../operators/table.ts'
import type { PlanNode } from '../plan/node.ts'
import { cut, type SegmentPlan } from '../segment/cut.ts'
import { Segment } from '../segment/segment.ts'
import { rewrite } from '../rewrite/rewrite.ts'
import type { Budget } from '../stream/budget.ts'
import type { CallStore, KeptCalls } from '../stream/call-store.ts'
import type { Clock } from '../stream/clock.ts'
import type { Loan } from '../stream/loan.ts'
import type { DeadLetters } from '../stream/dead-letter.ts'
import type { Changes } from '../stream/changes.ts'
import type { Memory, Share } from '../stream/memory.ts'
import type {
  Body,
  Codegen,
  Json,
  Meter,
  OpenContext,
  Operator,
  Pace,
  Token,
} from '../stream/operator.ts'
import { combine, keyOfText } from '../stream/random.ts'
import type { Chance } from '../stream/spec.ts'
import type { Knob, KnobRange } from '../stream/tuning.ts'
import type { Observer } from '../trace/events.ts'
import type { Pass } from './changes/pass.ts'
import { whyNotResumable } from './checkpoint.ts'
import type { Fairness } from './fairness.ts'
import { Guard } from './guard.ts'
import { type InPlace, loanToReader, loanToSegment } from './loans.ts'
import { CountingMeter, ObservingMeter, type RunCounts } from './meter.ts'
import type { Metrics, StageCounter } from './metrics.ts'
import { AdaptivePace, FixedPace } from './pace.ts'
import type { Tuner } from './tune/tuner.ts'

/** What all operators of one run share. */
export interface Run {
  readonly seed: number
  /** Which rewriting plans go through before they are opened; 0 for none. */
  readonly rewriting: number
  readonly signal: AbortSignal
  readonly fairness: Fairness
  readonly counts: RunCounts
  readonly metrics: Metrics
  readonly tuner: Tuner
  /** Stages that were warned of being slow. */
  readonly warned: Set<string>
  readonly clock: Clock
  readonly budget: Budget
  readonly memory: Memory
  readonly callStore: () => Promise<CallStore>
  /** Results of calls that were not committed; undefined where nothing is kept. */
  readonly keptCalls: (() => Promise<CallStore>) | undefined
  /** What `onlyChanged` compares with. */
  readonly changes: Pass | undefined
  readonly deadLetters: DeadLetters
  readonly observe: Observer | undefined
  /** Time each operator of a fused segment. */
  readonly shares: boolean
  readonly codegen: boolean
  /** Whether functions of the user may see elements that are lent. */
  readonly inPlace: InPlace
  /** Elements in every chunk; undefined lets chunks adapt. */
  readonly chunk: number | undefined
  /** Why the run cannot be resumed, once a plan was opened that cannot. */
  notResumable: NotResumableError | undefined
}

/** What lives as long as a run, or as a plan that was made in it. */
export type Resources = Map<PlanNode, { close(): Promise<void> }>

/** Epoch of what a cache freezes, whatever epoch reads it. */
const FIRST_EPOCH = 0

const sharedValues = new WeakMap<PlanNode, object>()

/** Whether any element followed from the seed. */
interface Draws {
  any: boolean
  /** Those that these are part of. */
  readonly of: Draws | undefined
}

/** Where in the run an operator is opened. */
interface Site {
  readonly run: Run
  /** Tells the same node id on two branches apart. */
  readonly branch: string
  /** The same for names: plans made per element have one name together. */
  readonly way: string
  /** Hash of the numbers of all enclosing epochs. */
  readonly epoch: number
  readonly resources: Resources
  readonly codegen: Codegen
  readonly draws: Draws
  /** How elements may be lent to who reads the operator. */
  readonly loan: Loan | undefined
  /** State of the operator that made the plan here, of one that was made per element. */
  readonly within: (() => Token) | undefined
  /** The element that the plan was made of, and those that it is within; of one that was made per element. */
  readonly madeOf?: () => string
}

const deciding = new WeakMap<PlanNode, boolean>()

/** True when an operator of the plan decides while it runs. */
function decides(plan: PlanNode): boolean {
  let found = deciding.get(plan)
  if (found === undefined) {
    found = specOf(plan.op).decides?.(plan.params as never) === true || plan.inputs.some(decides)
    deciding.set(plan, found)
  }
  return found
}

/** Opens the operators of a plan; nothing is read before the first pull. */
export function openPlan(root: PlanNode, run: Run, epoch: number, from: Json | undefined): Guard {
  const codegen = run.codegen ? 'now' : 'never'
  const site: Site = {
    run,
    branch: '',
    way: '',
    epoch: combine(epoch, 1),
    resources: new Map(),
    codegen,
    draws: { any: false, of: undefined },
    loan: loanToReader(run.inPlace),
    within: undefined,
  }
  return openNode(toRun(root, run), site, from, site.resources)
}

/** The plan that a run opens for one that was written. */
export function toRun(plan: PlanNode, { rewriting }: Run): PlanNode {
  return rewriting === 0 ? plan : rewrite(plan)
}

/** `owned` is closed with the operator, after everything that it reads. */
function openNode(node: PlanNode, site: Site, from: Json | undefined, owned?: Resources): Guard {
  const inputs = new Set<Guard>()
  const { fairness, metrics, tuner } = site.run
  const counter = metrics.opened(site.way + node.id, node)
  const context = new Opening(node, site, inputs, counter)
  const body = bodyOf(node, context, from ?? undefined)
  context.body = body
  return new Guard({ node, body, inputs, owned, fairness, tuner, counter, madeOf: site.madeOf })
}

function bodyOf(node: PlanNode, context: Opening, from: Json | undefined): Body {
  const plan = cut(node)
  if (plan !== undefined) {
    return new Segment(plan, node, context, from, (state) => context.openBelow(plan, state))
  }
  const spec = specOf(node.op)
  if (spec.kind === 'junction') return spec.open(node as PlanNode<never>, context, from)
  if (spec.kind === 'source' && spec.open !== undefined) {
    return spec.open(node as PlanNode<never>, context, from)
  }
  throw new TypeError(`operator ${node.op} can be neither fused nor opened`)
}

class Opening implements OpenContext {
  readonly signal: AbortSignal
  readonly meter: Meter
  readonly clock: Clock
  readonly budget: Budget
  readonly codegen: Codegen
  readonly loan: Loan | undefined
  /** The operator that this opens. */
  body: Body | undefined
  readonly #node: PlanNode
  readonly #site: Site
  readonly #inputs: Set<Guard>
  readonly #counter: StageCounter
  /** Of what a cache freezes. */
  readonly #draws: Draws

  constructor(node: PlanNode, site: Site, inputs: Set<Guard>, counter: StageCounter) {
    const { run, way } = site
    const { observe, shares, warned, clock } = run
    this.#counter = counter
    this.#node = node
    this.#site = site
    this.#inputs = inputs
    this.#draws = { any: false, of: site.draws }
    this.signal = run.signal
    this.clock = run.clock
    this.budget = run.budget
    this.codegen = site.codegen
    this.loan = site.loan
    this.meter =
      observe === undefined
        ? new CountingMeter(run.counts, counter, clock)
        : new ObservingMeter(run.counts, counter, clock, { node, way, observe, shares, warned })
  }

  get key(): number {
    return this.chanceOf(this.#node).key
  }

  get fixedKey(): number {
    return this.chanceOf(this.#node).fixedKey
  }

  chanceOf(node: PlanNode): Chance {
    this.drew()
    return { key: this.localKey(node), fixedKey: this.#fixedKeyOf(node) }
  }

  localKey(node = this.#node): number {
    return combine(this.#fixedKeyOf(node), this.#site.epoch)
  }

  drew(): void {
    for (let draws: Draws | undefined = this.#site.draws; draws !== undefined; draws = draws.of) {
      draws.any = true
    }
  }

  drewAbove(): boolean {
    return this.#draws.any
  }

  decides(plan: PlanNode): boolean {
    return decides(plan)
  }

  knob(range: KnobRange): Knob {
    const { run, way } = this.#site
    return run.tuner.knob(way + this.#node.id, this.#counter, range)
  }

  share(): Share {
    const { run, way } = this.#site
    return run.memory.share(way + this.#node.id)
  }

  pace(): Pace {
    const { chunk, changes } = this.#site.run
    if (this.#isMain && changes?.way.single.has(this.#node.id) === true) return new FixedPace(1)
    return chunk === undefined ? new AdaptivePace() : new FixedPace(chunk)
  }

  open(input: number, from?: Json): Operator {
    return this.#open(input, this.#site.epoch, from)
  }

  openEpoch(input: number, epoch: number | 'first', from?: Json): Operator {
    if (epoch !== 'first') return this.#open(input, combine(this.#site.epoch, epoch), from)
    return this.#open(input, FIRST_EPOCH, from, this.#draws)
  }

  openPlan(
    plan: PlanNode,
    ordinal: number,
    from?: Json,
    source?: () => string | undefined,
  ): Operator {
    const { run, branch, way, codegen, madeOf } = this.#site
    const { id } = this.#node
    const element = (): string => `element ${ordinal} of ${id}${sourceShown(source?.(), ordinal)}`
    run.notResumable ??= whyNotResumable(plan)
    const resources: Resources = new Map()
    const site: Site = {
      ...this.#site,
      branch: `${branch}${this.#node.id}(${ordinal})/`,
      way: `${way}${this.#node.id}()/`,
      resources,
      codegen: codegen === 'never' ? codegen : 'late',
      loan: undefined,
      madeOf: madeOf === undefined ? element : () => `${element()}, within ${madeOf()}`,
      within: this.#site.within ?? (this.#isBehind ? () => this.body?.tok() ?? null : undefined),
    }
    return this.#register(openNode(toRun(plan, run), site, from, resources))
  }

  /** Opens a node further up: the input of the segment that this node ends. */
  openBelow(plan: SegmentPlan, from: Json | undefined): Operator {
    const loan = loanToSegment(plan, this.#site.run.inPlace)
    return this.#register(openNode(plan.input, { ...this.#site, loan }, from))
  }

  deadLetter(
    index: number,
    element: unknown,
    error: unknown,
    attempts: number,
    source?: string,
  ): void | Promise<void> {
    const { id, at } = this.#node
    const { branch, epoch, run } = this.#site
    this.meter.dead(index, element, error, attempts)
    return run.deadLetters.put({
      id: `${branch}${id}:${((run.seed ^ epoch) >>> 0).toString(16)}:${index}`,
      stage: id,
      ...(at === undefined ? {} : { at }),
      index,
      ...(source === undefined ? {} : { source }),
      element,
      error,
      attempts,
    })
  }

  leftOut(before: Token, behind?: Token): void {
    const { within, run } = this.#site
    if (within !== undefined) run.changes?.leftOut(within(), undefined)
    else if (this.#isBehind) run.changes?.leftOut(before, behind)
  }

  get changes(): Changes | undefined {
    return this.#isMain ? this.#site.run.changes : undefined
  }

  callStore(): Promise<CallStore> {
    return this.#site.run.callStore()
  }

  keptCalls(): KeptCalls | undefined {
    const { branch, epoch, run } = this.#site
    if (run.keptCalls === undefined) return undefined
    return { stage: `${branch}${this.#node.id}:${epoch}`, store: run.keptCalls }
  }

  perRun<V extends { close(): Promise<void> }>(make: () => V): V {
    const { resources } = this.#site
    const known = resources.get(this.#node)
    if (known !== undefined) return known as V
    const made = make()
    resources.set(this.#node, made)
    return made
  }

  shared<V extends object>(make: () => V): V {
    const known = sharedValues.get(this.#node)
    if (known !== undefined) return known as V
    const made = make()
    sharedValues.set(this.#node, made)
    return made
  }

  /** True of nodes of the plan itself, where it has no branches. */
  get #isMain(): boolean {
    return this.#site.branch === ''
  }

  get #isBehind(): boolean {
    return this.#isMain && this.#site.run.changes?.way.behind.has(this.#node.id) === true
  }

  #open(input: number, epoch: number, from: Json | undefined, draws = this.#site.draws): Operator {
    const node = this.#node.inputs[input]
    if (node === undefined) throw new TypeError(`${this.#node.id} has no input ${input}`)
    const several = this.#node.inputs.length > 1
    const step = several ? `${this.#node.id}[${input}]/` : ''
    const branch = this.#site.branch + step
    const way = this.#site.way + step
    const site = { ...this.#site, branch, way, epoch, draws, loan: undefined }
    return this.#register(openNode(node, site, from))
  }

  #register(guard: Guard): Operator {
    this.#inputs.add(guard)
    return new Registered(guard, this.#inputs)
  }

  #fixedKeyOf(node: PlanNode): number {
    const { run, branch } = this.#site
    return combine(combine(run.seed | 0, keyOfText(branch)), keyOfText(node.id))
  }
}

/** An input that its reader may close early, such as the past epoch of a repeat. */
class Registered implements Operator {
  readonly #guard: Guard
  readonly #inputs: Set<Guard>

  constructor(guard: Guard, inputs: Set<Guard>) {
    this.#guard = guard
    this.#inputs = inputs
  }

  pull() {
    return this.#guard.pull()
  }

  tok() {
    return this.#guard.tok()
  }

  origin() {
    return this.#guard.origin()
  }

  stop(): void {
    this.#guard.stop()
  }

  async close(): Promise<void> {
    await this.#guard.close()
    this.#inputs.delete(this.#guard)
  }
}
