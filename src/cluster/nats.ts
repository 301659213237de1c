import type * as jetstream from '@nats-io/jetstream'
import type * as transportNode from '@nats-io/transport-node'
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { ClusterError, messageOf, MissingPackageError } from '../errors/index.ts'
import type { ResolvedNats } from './options.ts'
import type { Broker, Delivery, QueueNames, QueueSettings, Request } from './port.ts'
import { pullOne } from './pull.ts'

type Transport = typeof transportNode
type Jet = typeof jetstream

/** Milliseconds that the broker gets to answer. */
const ANSWER_MS = 5_000
/** Milliseconds between two tries to come back. */
const RECONNECT_MS = 250
/** How long the broker knows what it has seen. A chunk is sent anew under another name, so this need not be long. */
const WINDOW_MS = 120_000
/** Nanoseconds of a millisecond: what JetStream counts in. */
const NANOS = 1_000_000
/** A backstop: what nobody removed is empty after so long. */
const MAX_AGE_MS = 7 * 24 * 3_600_000
/** Pulls that may wait at one queue, and messages that may be under way: more than there are workers. */
const MAX_PULLS = 20_000
const STREAM_NOT_FOUND = 10_059

/**
 * Connects.
 *
 * @throws ClusterError when no server answers, or one that cannot be used; MissingPackageError without the client.
 */
export async function connectNats(options: ResolvedNats, name: string): Promise<Broker> {
  const [transport, jet] = await loadClient()
  const connection = await connect(transport, options, name)
  try {
    checkServer(connection)
    const manager = await jet.jetstreamManager(connection, { timeout: ANSWER_MS })
    return new NatsBroker(connection, transport, jet, manager)
  } catch (cause) {
    await connection.close()
    if (cause instanceof ClusterError) throw cause
    throw new ClusterError(
      `the NATS server at ${connection.getServer()} has no JetStream (${messageOf(cause)}): start it with nats-server -js`,
      { cause },
    )
  }
}

async function loadClient(): Promise<readonly [Transport, Jet]> {
  try {
    return await Promise.all([import('@nats-io/transport-node'), import('@nats-io/jetstream')])
  } catch (cause) {
    const install = 'npm i @nats-io/transport-node @nats-io/jetstream'
    throw new MissingPackageError('@nats-io/transport-node', 'A cluster', install, { cause })
  }
}

async function connect(
  transport: Transport,
  { servers, creds, nkey, ...plain }: ResolvedNats,
  name: string,
): Promise<NatsConnection> {
  const { credsAuthenticator, nkeyAuthenticator } = transport
  try {
    return await transport.connect({
      ...plain,
      servers: [...servers],
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      ...(creds !== undefined && { authenticator: credsAuthenticator(creds) }),
      ...(nkey !== undefined && { authenticator: nkeyAuthenticator(nkey) }),
    })
  } catch (cause) {
    throw new ClusterError(
      `cannot connect to NATS at ${servers.join(', ')}: ${messageOf(cause)}. Is nats-server -js running there?`,
      { cause },
    )
  }
}

/** Of 2.10, all before 2.10.23 can lose whole streams when a server is killed. */
function checkServer(connection: NatsConnection): void {
  const version = connection.info?.version ?? ''
  const [, patch] = /^2\.10\.(\d+)/.exec(version) ?? []
  if (patch === undefined || Number(patch) >= 23) return
  throw new ClusterError(
    `the NATS server at ${connection.getServer()} is ${version}: of 2.10, all before 2.10.23 can lose whole streams ` +
      'when they are killed. Use 2.10.23 or newer, or 2.9',
  )
}

class NatsBroker implements Broker {
  connected = true
  readonly #connection: NatsConnection
  readonly #transport: Transport
  readonly #jet: Jet
  readonly #manager: JetStreamManager
  readonly #client: JetStreamClient
  readonly #returns = new Set<() => void>()

  constructor(
    connection: NatsConnection,
    transport: Transport,
    jet: Jet,
    manager: JetStreamManager,
  ) {
    this.#connection = connection
    this.#transport = transport
    this.#jet = jet
    this.#manager = manager
    this.#client = jet.jetstream(connection, { timeout: ANSWER_MS })
    void this.#watch()
  }

  get server(): string {
    return this.#connection.getServer()
  }

  async openQueue(names: QueueNames, settings: QueueSettings): Promise<void> {
    const { RetentionPolicy, AckPolicy } = this.#jet
    const { stream } = names
    await this.#manager.streams.add({
      ...this.#streamOf(stream, names.subjects, settings.maxBytes, settings.replicas),
      retention: RetentionPolicy.Workqueue,
    })
    await this.#manager.consumers.add(stream, {
      durable_name: CONSUMER,
      ack_policy: AckPolicy.Explicit,
      ack_wait: settings.ackWait * NANOS,
      max_deliver: -1,
      max_ack_pending: MAX_PULLS,
      max_waiting: MAX_PULLS,
    })
  }

  async openStore(stream: string, subjects: string, maxBytes: number, replicas: number) {
    const config = this.#streamOf(stream, subjects, maxBytes, replicas)
    await this.#manager.streams.add({ ...config, allow_direct: true, max_msgs_per_subject: 1 })
  }

  async keep(subject: string, data: Uint8Array, once?: string): Promise<void> {
    await this.#client.publish(subject, data, { ...(once !== undefined && { msgID: once }) })
  }

  async kept(stream: string, subject: string): Promise<Uint8Array | undefined> {
    const found = await this.#manager.direct.getMessage(stream, { last_by_subj: subject })
    return found?.data
  }

  async forget(stream: string, subject: string): Promise<void> {
    await this.#manager.streams.purge(stream, { filter: subject })
  }

  async idsIn(names: QueueNames): Promise<ReadonlySet<string>> {
    const { state } = await this.#manager.streams.info(names.stream, { subjects_filter: '>' })
    return new Set(Object.keys(state.subjects ?? {}).map((subject) => names.idOf(subject)))
  }

  pull(names: QueueNames, signal: AbortSignal): Promise<Delivery | undefined> {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${names.stream}.${CONSUMER}`
    return pullOne(this.#connection, subject, (told) => this.onReturn(told), signal)
  }

  async streams(tenant: string): Promise<readonly string[]> {
    const found: string[] = []
    for await (const name of this.#manager.streams.names(`${tenant}.>`)) found.push(name)
    return found
  }

  async removeStream(stream: string): Promise<void> {
    try {
      await this.#manager.streams.delete(stream)
    } catch (error) {
      const { code } = error as { readonly code?: unknown }
      if (code !== STREAM_NOT_FOUND) throw error // somebody else removed it
    }
  }

  tell(subject: string, data: Uint8Array): void {
    if (!this.#connection.isClosed()) this.#connection.publish(subject, data)
  }

  async ask(subject: string, data: Uint8Array, ms: number): Promise<Uint8Array | undefined> {
    try {
      return (await this.#connection.request(subject, data, { timeout: ms })).data
    } catch {
      return undefined // whoever asks knows what silence means
    }
  }

  async askAll(subject: string, ms: number): Promise<readonly Uint8Array[]> {
    const answers: Uint8Array[] = []
    const options = { strategy: 'timer', maxWait: ms } as const
    try {
      for await (const { data } of await this.#connection.requestMany(subject, '', options)) {
        if (data.length > 0) answers.push(data)
      }
    } catch (error) {
      if (!(error instanceof this.#transport.NoRespondersError)) throw error // nobody listens
    }
    return answers
  }

  listen(subject: string, heard: (request: Request) => void): () => void {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) heard(requestOf(message))
      },
    })
    return () => subscription.unsubscribe()
  }

  onReturn(told: () => void): () => void {
    this.#returns.add(told)
    return () => this.#returns.delete(told)
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  #streamOf(name: string, subjects: string, maxBytes: number, replicas: number) {
    const { DiscardPolicy, StorageType } = this.#jet
    return {
      name,
      subjects: [subjects],
      // What is under way is known to its run; a copy on the broker's disk would protect nothing.
      storage: StorageType.Memory,
      discard: DiscardPolicy.New,
      max_bytes: maxBytes,
      max_age: MAX_AGE_MS * NANOS,
      duplicate_window: WINDOW_MS * NANOS,
      num_replicas: replicas,
    }
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') this.connected = false
      if (type !== 'reconnect') continue
      this.connected = true
      for (const told of this.#returns) told()
    }
  }
}

/** Each queue has one consumer, which all its workers pull from. */
const CONSUMER = 'workers'

function requestOf(message: Msg): Request {
  return {
    subject: message.subject,
    data: message.data,
    answer: (data) => void message.respond(data),
  }
}
