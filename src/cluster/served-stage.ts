import { ClusterError, DataError, messageOf } from '../errors/index.ts'
import type { EncodedError } from '../place/error-codec.ts'
import type { JobResult } from '../stream/pool.ts'
import { decode, encode, unwire, wire, wireError, type Wired } from './codec.ts'
import { Duty, type DutyEvent } from './duty.ts'
import { disclose, enclose } from './envelope.ts'
import { LocalStage } from './local-stage.ts'
import type { ChunkMessage, DoneMessage, News, StageDescription } from './messages.ts'
import { partNames, queueNames, runSubjects } from './names.ts'
import type { Broker, Delivery } from './port.ts'

/** Milliseconds that a run gets to take a result. */
const TAKE_MS = 10_000
/** Milliseconds before a result is brought again. */
const AGAIN_MS = 500
/** Results that may be on their way to the run while the next chunk is worked on. */
const BRINGING = 2
/** Signs of life in the time after which a worker is taken for dead. */
const SIGNS = 3

/** Where and as whom a worker serves. */
export interface Post {
  readonly broker: Broker
  readonly tenant: string
  readonly run: string
  readonly stage: number
  readonly worker: string
  /** Root of the worker's project. */
  readonly project: string
  /** Chunks worked on at once. */
  readonly slots: number
  /** Added to this process's `performance.now()` it gives the run's. */
  readonly clock: number
}

/** What a duty has to do, and what it has to bring. */
interface Round {
  readonly duty: Duty
  readonly delivery: Delivery
  readonly chunk: ChunkMessage
  done: DoneMessage
}

/** A delivery that was worked on, and what is to be done next about it. */
interface Begun {
  /** Signs of life until all is done. */
  readonly signs: NodeJS.Timeout
  readonly round?: Round
  readonly event?: DutyEvent | undefined
}

/** One stage of one run, as a worker serves it: takes chunks one by one, and brings what came of them. */
export class ServedStage {
  readonly #post: Post
  readonly #description: StageDescription
  readonly #stage: LocalStage
  readonly #queue: ReturnType<typeof queueNames>
  readonly #parts: ReturnType<typeof partNames>
  readonly #subjects: ReturnType<typeof runSubjects>
  /** No more chunks are taken. */
  readonly #draining = new AbortController()
  readonly #over: AbortController
  readonly #lanes: Promise<unknown>

  /** @throws why it cannot be served here: other code, or a setup that fails. */
  static async open(post: Post, description: StageDescription): Promise<ServedStage> {
    const over = new AbortController()
    const stage = await LocalStage.open(post.project, description, post.slots, over.signal)
    return new ServedStage(post, description, stage, over)
  }

  private constructor(
    post: Post,
    description: StageDescription,
    stage: LocalStage,
    over: AbortController,
  ) {
    this.#post = post
    this.#description = description
    this.#stage = stage
    this.#over = over
    this.#queue = queueNames(post.tenant, post.run, post.stage)
    this.#parts = partNames(post.tenant, post.run)
    this.#subjects = runSubjects(post.tenant, post.run)
    this.#tell({ what: 'joined', slots: post.slots })
    this.#lanes = Promise.all(Array.from({ length: post.slots }, () => this.#lane()))
  }

  /** Tells the run once more that it is here: a run may have missed it. */
  remind(): void {
    if (!this.#draining.signal.aborted) this.#tell({ what: 'joined', slots: this.#post.slots })
  }

  /** Brings what it has to its end, and takes no more. */
  async drain(): Promise<void> {
    if (this.#draining.signal.aborted) return
    this.#draining.abort()
    this.#tell({ what: 'left' })
    await this.#lanes
    await this.#stage.close()
  }

  /** The run is over: nobody wants results. */
  async end(): Promise<void> {
    this.#over.abort(new ClusterError('the run is over'))
    this.#draining.abort()
    await this.#lanes
    await this.#stage.close()
  }

  /** Works on one chunk at a time, and brings what came of those before meanwhile. */
  async #lane(): Promise<void> {
    const bringing = new Set<Promise<void>>()
    for (;;) {
      const delivery = await this.#post.broker.pull(this.#queue, this.#draining.signal)
      if (delivery === undefined) break
      const rest = this.#rest(await this.#begin(delivery))
      bringing.add(rest)
      void rest.then(() => bringing.delete(rest))
      if (bringing.size >= BRINGING) await Promise.race(bringing)
    }
    await Promise.all(bringing)
  }

  /** Up to the result, if the chunk is to be worked on. */
  async #begin(delivery: Delivery): Promise<Begun> {
    const signs = setInterval(() => delivery.extend(), this.#description.ackWait / SIGNS)
    const chunk = await this.#read(delivery)
    // Its parts were removed with it: it is settled. If not, the run misses it and sends it again.
    if (chunk === 'gone') delivery.acknowledge()
    else if (chunk === 'later') delivery.giveBack()
    if (typeof chunk === 'string') return { signs }
    const duty = new Duty(this.#description.maxDeliveries)
    const round: Round = { duty, delivery, chunk, done: this.#nothingOf(chunk) }
    const { deliveries } = delivery
    const elements = chunk.items.values.length
    return {
      signs,
      round,
      event: await this.#execute(round, { type: 'delivered', deliveries, elements }),
    }
  }

  async #rest({ signs, round, event }: Begun): Promise<void> {
    for (let next = event; round !== undefined && next !== undefined;) {
      next = await this.#execute(round, next)
    }
    clearInterval(signs)
  }

  async #read(delivery: Delivery): Promise<ChunkMessage | 'gone' | 'later'> {
    try {
      const { data } = await disclose(this.#post.broker, this.#parts, delivery.data)
      return decode<ChunkMessage>(data)
    } catch (error) {
      if (error instanceof DataError) return 'gone'
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      return 'later' // the broker did not answer
    }
  }

  /** Does what the duty says; the event that comes of it. */
  async #execute(round: Round, event: DutyEvent): Promise<DutyEvent | undefined> {
    const { delivery } = round
    const instruction = round.duty.step(event)
    switch (instruction.do) {
      case 'work':
        return this.#work(round)
      case 'bring':
        if (instruction.verdict !== undefined) {
          round.done = { ...round.done, verdict: instruction.verdict }
        }
        return this.#bring(round)
      case 'bringAgain':
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
        return this.#bring(round)
      case 'acknowledge':
        delivery.acknowledge()
        break
      case 'return':
        delivery.giveBack()
        break
      case 'drop':
        break
    }
    return undefined
  }

  async #work(round: Round): Promise<DutyEvent> {
    const { id, first, key, timeout, items } = round.chunk
    this.#tell({ what: 'begun', id })
    try {
      const result = await this.#stage.run({ items: unwire(items), first, key, timeout })
      round.done = this.#doneOf(id, result)
      return { type: 'worked' }
    } catch (error) {
      if (this.#over.signal.aborted) return { type: 'over' }
      round.done = { ...round.done, failed: wireError(error) }
      return { type: 'broke' }
    }
  }

  async #bring({ done }: Round): Promise<DutyEvent> {
    if (this.#over.signal.aborted) return { type: 'over' }
    return { type: (await this.#taken(done)) ? 'taken' : 'unanswered' }
  }

  /** False when there was no answer: the run, the broker or the way to them is gone, for now or for ever. */
  async #taken(done: DoneMessage): Promise<boolean> {
    const { broker } = this.#post
    const blob = `${done.stage}-${done.id}-${done.worker}`
    try {
      const message = await enclose(broker, this.#parts, blob, encode(done))
      return (await broker.ask(this.#subjects.done, message, TAKE_MS)) !== undefined
    } catch {
      return false // parts that could not be kept are no result
    }
  }

  #nothingOf({ id }: ChunkMessage): DoneMessage {
    const { stage, worker, clock } = this.#post
    const now = performance.now() + clock
    return { stage, id, worker, values: wire([]), drew: false, start: now, end: now }
  }

  #doneOf(id: string, result: JobResult): DoneMessage {
    const { stage, worker, clock } = this.#post
    const { drew = false, start, end } = result
    const sendable = this.#sendable(result)
    return { stage, id, worker, drew, start: start + clock, end: end + clock, ...sendable }
  }

  /** Values up to the first one that does not travel, and what failed there. */
  #sendable({ values, failed }: JobResult): { values: Wired; failed?: EncodedError } {
    try {
      return { values: wire(values), ...(failed && { failed: wireError(failed.error) }) }
    } catch (cause) {
      const sendable: unknown[] = []
      for (const value of values) {
        try {
          wire([value])
          sendable.push(value)
        } catch {
          break
        }
      }
      const error = new DataError(
        `the result of ${this.#description.name} cannot be sent to another machine: ${messageOf(cause)}`,
      )
      return { values: wire(sendable), failed: wireError(error) }
    }
  }

  #tell(news: Omit<News, 'worker' | 'stage'>): void {
    const { broker, worker, stage } = this.#post
    broker.tell(this.#subjects.news, encode({ worker, stage, ...news } satisfies News))
  }
}
