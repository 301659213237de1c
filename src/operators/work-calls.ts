import { ClosedError } from '../errors/index.ts'
import { type CallPolicy, Calls } from '../limit/calls.ts'
import type { PlanNode } from '../plan/node.ts'
import { SLOW_MS } from '../stream/clock.ts'
import { ElementLocal } from '../stream/local.ts'
import type { Meter, OpenContext } from '../stream/operator.ts'
import { roomFor } from '../stream/size-of.ts'
import { type UserFn, wantsLocal } from '../stream/spec.ts'
import type { Knob } from '../stream/tuning.ts'
import type { Desk, Invoke, Runner } from './work.ts'

/** A function of this thread as runners call it: each attempt draws the same random numbers. */
export function invokeOf(fn: UserFn, context: OpenContext): Invoke {
  const call = fn as (...args: unknown[]) => unknown
  if (!wantsLocal(fn, 1)) return (x) => call(x)
  const key = context.localKey()
  const drew = (): void => context.drew()
  return (x, ordinal, signal) => call(x, new ElementLocal(key, signal, drew).at(ordinal))
}

/** Runs an asynchronous function of this thread, one call a lane at a time; the knob says how many. */
export function callRunner(
  invoke: Invoke,
  knob: Knob,
  context: OpenContext,
  node: PlanNode,
): Runner {
  let slow = 0
  /** An asynchronous function may work on this thread too, before it first waits. Once may be chance. */
  const watch = (ms: number): void => {
    if (ms > SLOW_MS && ++slow > 1) context.meter.slow(node, ms)
  }
  const lanes: CallLane[] = []
  return {
    get width() {
      return knob.value
    },
    group: () => 1,
    lane: (desk, k) => {
      lanes[k] ??= new CallLane({ desk, lane: k, invoke, knob, context, watch })
      lanes[k].goOn()
    },
  }
}

interface CallLaneParts {
  readonly desk: Desk
  readonly lane: number
  readonly invoke: Invoke
  readonly knob: Knob
  readonly context: OpenContext
  readonly watch: (ms: number) => void
}

/**
 * One call after the other. Two callbacks serve all of them: a loop that awaits, which looks simpler, costs a
 * third more for calls that have nothing to wait for.
 */
class CallLane {
  readonly #desk: Desk
  readonly #lane: number
  readonly #name: string
  readonly #invoke: Invoke
  readonly #knob: Knob
  readonly #meter: Meter
  readonly #signal: AbortSignal
  readonly #watch: (ms: number) => void
  #ordinal = 0
  #item: unknown
  #start = 0

  constructor({ desk, lane, invoke, knob, context, watch }: CallLaneParts) {
    this.#desk = desk
    this.#lane = lane
    this.#name = `call ${lane}`
    this.#invoke = invoke
    this.#knob = knob
    this.#meter = context.meter
    this.#signal = context.signal
    this.#watch = watch
  }

  goOn(): void {
    const desk = this.#desk
    if (desk.active > this.#knob.value || !desk.take()) {
      this.#item = undefined
      desk.park(this.#lane)
      return
    }
    this.#item = desk.item
    this.#ordinal = desk.ordinal
    this.#start = this.#meter.now()
    void this.#call().then(this.#done, this.#failed)
  }

  // Not async: that would make a promise more.
  #call(): Promise<unknown> {
    const { watches } = this.#meter
    const start = watches ? performance.now() : 0
    try {
      const result = this.#invoke(this.#item, this.#ordinal, this.#signal)
      if (watches) this.#watch(performance.now() - start)
      return Promise.resolve(result)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  readonly #done = (value: unknown): void => {
    this.#meter.busy(this.#start, 1, this.#name)
    this.#desk.put(this.#ordinal, value)
    this.goOn()
  }

  readonly #failed = (error: unknown): void => {
    this.#meter.busy(this.#start, 1, this.#name)
    this.#desk.fail({ ordinal: this.#ordinal, element: this.#item, error, attempts: 1 })
    this.goOn()
  }
}

/** Elements that may be on their way, so that those that wait for a host or a key don't hold up the others. */
const SPREAD = 1024

/** Runs calls to the world under a policy, one element a lane at a time. */
export function policyRunner(invoke: Invoke, policy: CallPolicy, context: OpenContext): Runner {
  return new PolicyRunner(invoke, policy, context)
}

class PolicyRunner implements Runner {
  readonly #invoke: Invoke
  readonly #policy: CallPolicy
  readonly #context: OpenContext
  readonly #calls: Calls
  readonly #spread: boolean
  /** Names of calls under way that are free. */
  readonly #lanes: number[] = []
  #widest = 0
  #inputRoom = SPREAD

  constructor(invoke: Invoke, policy: CallPolicy, context: OpenContext) {
    const { meter, signal, clock, budget } = context
    this.#invoke = invoke
    this.#policy = policy
    this.#context = context
    this.#spread = typeof policy.limit === 'function' || policy.orderedBy !== undefined
    this.#calls = new Calls(policy, {
      key: context.localKey(),
      clock,
      signal,
      budget,
      store: () => context.callStore(),
      kept: context.keptCalls(),
      cached: () => meter.cached(),
      waited: (start, end) => meter.limited(start, end),
      retried: (...what) => meter.retried(...what),
    })
  }

  get width(): number {
    const { size } = this.#calls.slots
    if (this.#spread) return Math.max(size, Math.min(SPREAD, this.#inputRoom))
    return this.#policy.parallelism === 'auto' ? 2 * size : size
  }

  group(): number {
    return 1
  }

  stop(): void {
    this.#calls.stop(new ClosedError('the stage was stopped'))
  }

  lane(desk: Desk, lane: number): void {
    void this.#work(desk, lane)
  }

  async #work(desk: Desk, lane: number): Promise<void> {
    while (desk.active <= this.width && desk.take()) {
      const { item, ordinal } = desk
      if (ordinal % 64 === 0) this.#inputRoom = roomFor(item)
      const result = await this.#calls.run(item, ordinal, (signal) =>
        this.#call(item, ordinal, signal),
      )
      if (result.ok) desk.put(ordinal, result.value)
      else desk.fail({ ...result, ordinal, element: item })
      desk.widen()
    }
    desk.park(lane)
  }

  async #call(x: unknown, ordinal: number, signal: AbortSignal): Promise<unknown> {
    const { meter } = this.#context
    const lane = this.#lanes.pop() ?? ++this.#widest
    meter.lanes(this.#widest)
    const start = meter.now()
    try {
      return await this.#invoke(x, ordinal, signal)
    } finally {
      this.#lanes.push(lane)
      meter.busy(start, 1, `call ${lane}`)
    }
  }
}
