import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { messageOf } from '../errors/index.ts'
import { decode, encode } from './codec.ts'
import { disclose } from './envelope.ts'
import {
  type Beat,
  type Control,
  type DoneAnswer,
  type DoneMessage,
  type News,
  PROTOCOL,
  type StageBeat,
  type StageDescription,
  type StageQuestion,
} from './messages.ts'
import { commonSubjects, partNames, runOfStream, runSubjects } from './names.ts'
import { connectNats } from './nats.ts'
import type { ResolvedNats } from './options.ts'
import type { Broker, Request } from './port.ts'

/** Milliseconds between two beats of a run. */
export const BEAT_MS = 5_000
/** Milliseconds that runs get to answer who they are. */
const ROLL_CALL_MS = 1_500
/** Bytes of large messages that are under way. */
const PARTS_BYTES = 1024 ** 3

/** What a session needs of each stage of its run. */
export interface SessionStage {
  beat(number: number): StageBeat
  describe(): StageDescription
  news(news: News): void
  /** A worker brings a result, in a message of so many bytes. */
  done(message: DoneMessage, bytes: number): void
  control(control: Control): void
  /** The broker was away, or a while has passed. */
  check(why: 'returned' | 'beat'): void
}

/** A run in the cluster: its connection and its name there, shared by all its stages. */
export class Session {
  readonly run = randomBytes(8).toString('hex')
  readonly tenant: string
  readonly broker: Broker
  readonly parts: ReturnType<typeof partNames>
  readonly #replicas: number
  readonly #stages = new Map<number, SessionStage>()
  readonly #started = Date.now()
  readonly #stops: (() => void)[] = []
  readonly #timer: NodeJS.Timeout
  #next = 1
  /** What came of removing what others left: an error, if it failed. */
  #swept: Promise<unknown> | undefined

  private constructor(broker: Broker, tenant: string, replicas: number) {
    this.broker = broker
    this.tenant = tenant
    this.#replicas = replicas
    this.parts = partNames(tenant, this.run)
    this.#timer = setInterval(() => this.#onTimer(), BEAT_MS).unref()
  }

  static async open(nats: ResolvedNats, tenant: string, replicas: number): Promise<Session> {
    const broker = await connectNats(nats, 'millstream run')
    const session = new Session(broker, tenant, replicas)
    session.#listen()
    session.#swept = sweep(broker, tenant, session.run).then(
      () => undefined,
      (error: unknown) => error,
    )
    return session
  }

  /** Adds a stage; workers hear of it now. */
  add<S extends SessionStage>(make: (number: number) => S): S {
    const number = this.#next++
    const stage = make(number)
    this.#stages.set(number, stage)
    return stage
  }

  /** Makes the store of large messages, unless it is there. */
  async openParts(): Promise<void> {
    const { stream, subjects } = this.parts
    await this.broker.openStore(stream, subjects, PARTS_BYTES, this.#replicas)
  }

  remove(number: number): void {
    this.#stages.delete(number)
    this.beat()
  }

  /** Tells workers what there is to do. */
  beat(over = false): void {
    const beat: Beat = {
      protocol: PROTOCOL,
      run: this.run,
      host: hostname(),
      pid: process.pid,
      program: basename(process.argv[1] ?? 'node'),
      started: this.#started,
      over,
      stages: [...this.#stages].map(([number, stage]) => stage.beat(number)),
    }
    this.broker.tell(runSubjects(this.tenant, this.run).beat, encode(beat))
  }

  /** Leaves nothing in the broker. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const stop of this.#stops) stop()
    try {
      this.beat(true)
      await removeRun(this.broker, this.tenant, this.run)
      const failed = await this.#swept
      if (failed !== undefined) throw failed
    } catch (error) {
      this.#warn(
        `what run ${this.run} left in the broker could not be removed (${messageOf(error)}); the next run does it`,
      )
    } finally {
      await this.broker.close()
    }
  }

  #listen(): void {
    const subjects = runSubjects(this.tenant, this.run)
    const { broker } = this
    this.#stops.push(
      broker.listen(commonSubjects(this.tenant).whoRuns, ({ answer }) => {
        answer(encode({ run: this.run }))
        this.beat()
      }),
      broker.listen(subjects.stage, ({ data, answer }) => {
        const stage = this.#stages.get(decode<StageQuestion>(data).stage)
        if (stage !== undefined) answer(encode(stage.describe()))
      }),
      broker.listen(subjects.news, ({ data }) => {
        const news = decode<News>(data)
        this.#stages.get(news.stage)?.news(news)
      }),
      broker.listen(subjects.done, (request) => void this.#done(request)),
      broker.listen(subjects.control, ({ data, answer }) => {
        for (const stage of this.#stages.values()) stage.control(decode<Control>(data))
        answer(encode({}))
      }),
      broker.onReturn(() => this.#returned()),
    )
  }

  /** Answers when the result is here for good; without an answer the worker brings it again. */
  async #done({ data, answer }: Request): Promise<void> {
    try {
      const { data: bytes, blob } = await disclose(this.broker, this.parts, data)
      const message = decode<DoneMessage>(bytes)
      this.#stages.get(message.stage)?.done(message, bytes.length)
      answer(encode({ taken: true } satisfies DoneAnswer))
      if (blob !== undefined) await this.broker.forget(this.parts.stream, this.parts.all(blob))
    } catch (error) {
      this.#warn(`a result could not be read (${messageOf(error)}); its worker brings it again`)
    }
  }

  #returned(): void {
    this.beat()
    for (const stage of this.#stages.values()) stage.check('returned')
  }

  #warn(message: string): void {
    process.emitWarning(message, 'MillstreamWarning')
  }

  #onTimer(): void {
    this.beat()
    for (const stage of this.#stages.values()) stage.check('beat')
  }
}

/** Removes all that a run has in the broker. */
export async function removeRun(broker: Broker, tenant: string, run: string): Promise<void> {
  const streams = await broker.streams(tenant)
  const own = streams.filter((stream) => runOfStream(tenant, stream) === run)
  await Promise.all(own.map((stream) => broker.removeStream(stream)))
}

/** Removes what runs left that do not answer any more. One that was only slow makes again what it needs. */
export async function sweep(
  broker: Broker,
  tenant: string,
  self: string | undefined,
): Promise<void> {
  const left = new Set<string>()
  for (const stream of await broker.streams(tenant)) {
    const run = runOfStream(tenant, stream)
    if (run !== undefined && run !== self) left.add(run)
  }
  if (left.size === 0) return
  const answers = await broker.askAll(commonSubjects(tenant).whoRuns, ROLL_CALL_MS)
  for (const answer of answers) left.delete(decode<{ readonly run: string }>(answer).run)
  await Promise.all([...left].map((run) => removeRun(broker, tenant, run)))
}
