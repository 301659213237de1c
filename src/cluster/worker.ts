import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { messageOf } from '../errors/index.ts'
import { decode, encode } from './codec.ts'
import {
  type Beat,
  type News,
  PROTOCOL,
  type StageBeat,
  type StageDescription,
  type StageQuestion,
  type WorkerStatus,
} from './messages.ts'
import { commonSubjects, runSubjects } from './names.ts'
import { connectNats } from './nats.ts'
import type { ResolvedNats } from './options.ts'
import type { Broker } from './port.ts'
import { ServedStage } from './served-stage.ts'
import { BEAT_MS, removeRun } from './session.ts'

/** A run that has not been heard of for so many milliseconds is over. */
const LOST_MS = 6 * BEAT_MS
/** Milliseconds that a run gets to say what a stage is. */
const DESCRIBE_MS = 10_000

export interface WorkerOptions {
  readonly nats: ResolvedNats
  readonly tenant: string
  readonly labels: readonly string[]
  /** Chunks that each stage works on at once, in threads. */
  readonly slots: number
  /** Root of the project whose stages it serves. */
  readonly project: string
  /** Hears what happens, for people. */
  readonly told: (line: string) => void
}

interface ServedRun {
  heard: number
  /** By the numbers of stages; undefined once one was refused. */
  readonly stages: Map<number, Promise<ServedStage | undefined>>
}

/** Serves the stages of one project to all runs that ask for them, until it is told to drain. */
export class Worker {
  readonly name = `${hostname()}-${process.pid}-${randomBytes(2).toString('hex')}`
  readonly #options: WorkerOptions
  readonly #broker: Broker
  readonly #runs = new Map<string, ServedRun>()
  readonly #timer: NodeJS.Timeout
  #draining = false

  static async start(options: WorkerOptions): Promise<Worker> {
    const broker = await connectNats(options.nats, 'millstream worker')
    return new Worker(options, broker)
  }

  private constructor(options: WorkerOptions, broker: Broker) {
    this.#options = options
    this.#broker = broker
    const { whoRuns, whoWorks, beats } = commonSubjects(options.tenant)
    broker.listen(beats, ({ data }) => this.#heard(decode<Beat>(data)))
    broker.listen(whoWorks, ({ answer }) => answer(encode(this.#status())))
    broker.onReturn(() => this.#returned())
    broker.tell(whoRuns, encode({}))
    this.#timer = setInterval(() => this.#look(), BEAT_MS)
  }

  /** Brings chunks at hand to their end, takes no more, and leaves. */
  async drain(): Promise<void> {
    this.#draining = true
    clearInterval(this.#timer)
    const served = [...this.#runs.values()].flatMap(({ stages }) => [...stages.values()])
    await Promise.all(served.map(async (stage) => (await stage)?.drain()))
    await this.#broker.close()
  }

  #status(): WorkerStatus {
    const { labels, slots } = this.#options
    return { worker: this.name, labels, slots, runs: [...this.#runs.keys()] }
  }

  #heard(beat: Beat): void {
    if (this.#draining) return
    if (beat.over) {
      void this.#leave(beat.run)
      return
    }
    const run = this.#runs.get(beat.run) ?? { heard: 0, stages: new Map() }
    this.#runs.set(beat.run, run)
    run.heard = performance.now()
    for (const stage of beat.stages) this.#consider(beat, run, stage)
  }

  #consider({ run: id, protocol }: Beat, run: ServedRun, stage: StageBeat): void {
    const { labels } = this.#options
    if (!stage.labels.every((label) => labels.includes(label))) return
    const known = run.stages.get(stage.number)
    if (known === undefined) run.stages.set(stage.number, this.#serve(id, protocol, stage))
    // It may have missed the first time.
    else if (!stage.workers.includes(this.name)) void known.then((served) => served?.remind())
  }

  async #serve(run: string, protocol: number, stage: StageBeat): Promise<ServedStage | undefined> {
    const { tenant, slots, project, told } = this.#options
    const { number, name } = stage
    try {
      if (protocol !== PROTOCOL) throw new Error('the run is of another version of Millstream')
      const { description, clock } = await this.#describe(run, number)
      const served = await ServedStage.open(
        {
          broker: this.#broker,
          tenant,
          run,
          stage: number,
          worker: this.name,
          project,
          slots,
          clock,
        },
        description,
      )
      told(`serving ${name} of run ${run}`)
      return served
    } catch (error) {
      const why = messageOf(error)
      told(`refused ${name} of run ${run}: ${why}`)
      const news: News = { worker: this.name, stage: number, what: 'refused', why }
      this.#broker.tell(runSubjects(tenant, run).news, encode(news))
      return undefined
    }
  }

  async #describe(run: string, stage: number) {
    const question: StageQuestion = { stage }
    const asked = performance.now()
    const { stage: subject } = runSubjects(this.#options.tenant, run)
    const answer = await this.#broker.ask(subject, encode(question), DESCRIBE_MS)
    if (answer === undefined) throw new Error('the run did not say what it is')
    const description = decode<StageDescription>(answer)
    // Half the way of question and answer later it was here.
    const clock = description.now - (asked + performance.now()) / 2
    return { description, clock }
  }

  #returned(): void {
    this.#broker.tell(commonSubjects(this.#options.tenant).whoRuns, encode({}))
    // Nothing could be heard meanwhile.
    for (const run of this.#runs.values()) run.heard = performance.now()
  }

  #look(): void {
    if (!this.#broker.connected) return
    for (const [id, { heard }] of this.#runs) {
      if (performance.now() - heard > LOST_MS) void this.#bury(id)
    }
  }

  /** Its submitter is gone; whoever runs it again makes a run of its own. */
  async #bury(run: string): Promise<void> {
    this.#options.told(`run ${run} is gone`)
    await this.#leave(run)
    const { tenant } = this.#options
    await removeRun(this.#broker, tenant, run).catch((error: unknown) => {
      this.#options.told(`what run ${run} left could not be removed: ${messageOf(error)}`)
    })
  }

  async #leave(id: string): Promise<void> {
    const run = this.#runs.get(id)
    this.#runs.delete(id)
    const stages = [...(run?.stages.values() ?? [])]
    await Promise.all(stages.map(async (stage) => (await stage)?.end()))
  }
}
