/** What the cluster runtime needs of a broker. `nats.ts` is the one implementation. */

/** A work queue: each message goes to one puller, and comes again when that one does not acknowledge it in time. */
export interface QueueNames {
  readonly stream: string
  readonly subjects: string
  subject(id: string): string
  idOf(subject: string): string
}

export interface QueueSettings {
  /** Milliseconds after which a message that was neither acknowledged nor extended is delivered again. */
  readonly ackWait: number
  readonly maxBytes: number
  readonly replicas: number
}

/** A message out of a queue. */
export interface Delivery {
  readonly data: Uint8Array
  /** How many times it was delivered, this time included. */
  readonly deliveries: number
  acknowledge(): void
  /** It is being worked on: starts the wait for the acknowledgement anew. */
  extend(): void
  /** Back into the queue. */
  giveBack(): void
}

/** A message that may want an answer. */
export interface Request {
  readonly subject: string
  readonly data: Uint8Array
  readonly answer: (data: Uint8Array) => void
}

/** A connection to the broker. It comes back by itself; what waits for an answer meanwhile rejects. */
export interface Broker {
  /** Where it is connected, for people. */
  readonly server: string
  /** Makes the queue, unless it is there. */
  openQueue(names: QueueNames, settings: QueueSettings): Promise<void>
  /** Makes a store of messages that each has a subject of its own, unless it is there. */
  openStore(stream: string, subjects: string, maxBytes: number, replicas: number): Promise<void>
  /** Rejects when the broker did not say that it keeps the message. What was seen before under `once` is not kept twice. */
  keep(subject: string, data: Uint8Array, once?: string): Promise<void>
  /** The message that is kept under a subject; undefined when there is none. */
  kept(stream: string, subject: string): Promise<Uint8Array | undefined>
  /** Forgets the messages under a subject, which may end in `>`. */
  forget(stream: string, subject: string): Promise<void>
  /** Ids of the messages in a queue, delivered or not, that were not acknowledged. Rejects when there is no queue. */
  idsIn(names: QueueNames): Promise<ReadonlySet<string>>
  /** Waits for the next message; undefined when `signal` is aborted. Goes on over losses of the connection. */
  pull(names: QueueNames, signal: AbortSignal): Promise<Delivery | undefined>
  /** Names of all streams whose subjects begin with the tenant's name. */
  streams(tenant: string): Promise<readonly string[]>
  removeStream(stream: string): Promise<void>
  /** Sends to whoever listens now. */
  tell(subject: string, data: Uint8Array): void
  /** The answer of the one that listens; undefined when nobody does, or does not answer in time. */
  ask(subject: string, data: Uint8Array, ms: number): Promise<Uint8Array | undefined>
  /** All answers that come within a time. */
  askAll(subject: string, ms: number): Promise<readonly Uint8Array[]>
  listen(subject: string, heard: (request: Request) => void): () => void
  /** Tells of each time that the connection was lost and is there again. Returns how to stop that. */
  onReturn(told: () => void): () => void
  /** False while the connection is lost. */
  readonly connected: boolean
  close(): Promise<void>
}
