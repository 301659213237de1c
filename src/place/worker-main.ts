/** The worker's side: finds the stage, sets it up, and answers jobs one after the other until told to finish. */
import { DataError, StageAddressError, messageOf } from '../errors/index.ts'
import { importModule } from '../stage/load.ts'
import { recordOf, type StageRecord } from '../stage/record.ts'
import { openRunner } from '../stage/runner.ts'
import { portChannel } from './channel.ts'
import { isCloneable } from './cloneable.ts'
import { encodeError, type EncodedError } from './error-codec.ts'
import { markWorker } from './nesting.ts'
import {
  sharedNow,
  type Birthright,
  type FromWorker,
  type ThreadStart,
  type ToWorker,
  type WorkerEnd,
} from './protocol.ts'
import { runItems, type Outcome } from './run-job.ts'
import { Receiver } from './ring/receiver.ts'
import { Sender } from './ring/sender.ts'

type ServingRunner = Awaited<ReturnType<typeof openRunner>>
type JobMessage = Extract<ToWorker, { type: 'job' }>

/** Serves one stage, in a thread, until it is told to finish. */
export function serveThread(start: ThreadStart): Promise<void> {
  return serve(start, portChannel<FromWorker, ToWorker>(start.port))
}

/** Serves one stage until it is told to finish. */
export async function serve(start: Birthright, channel: WorkerEnd): Promise<void> {
  markWorker(start.address.label)
  const runner = await openStage(start, channel)
  if (!runner) return
  const server = new Server(start, channel, runner)
  channel.receive(
    (message) => {
      server.receive(message)
    },
    (error) => {
      // Uncaught on purpose: the coordinator waits for an answer that this thread can no longer give.
      throw error
    },
  )
  channel.send({ type: 'ready' })
}

/** The stage set up; or undefined after the coordinator was told why not. */
async function openStage(
  start: Birthright,
  channel: WorkerEnd,
): Promise<ServingRunner | undefined> {
  let during: 'import' | 'setup' = 'import'
  try {
    const { definition } = await importStage(start)
    during = 'setup'
    return await openRunner({ definition, config: start.config })
  } catch (error) {
    channel.send({ type: 'unfit', during, error: encodeError(error) })
    channel.close()
    return undefined
  }
}

async function importStage({ address }: Birthright): Promise<StageRecord> {
  const { namespace } = await importModule(address.url)
  const record = recordOf(namespace[address.key])
  if (record) return record
  throw new StageAddressError(`its export ${address.key} is not a stage when a worker imports it`)
}

class Server {
  readonly #label: string
  readonly #channel: WorkerEnd
  readonly #runner: ServingRunner
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #abort = new AbortController()
  /** Adding it to this thread's shared clock gives the coordinator's `performance.now()`. */
  readonly #clock: number
  #last: Promise<void> = Promise.resolve()

  constructor(start: Birthright, channel: WorkerEnd, runner: ServingRunner) {
    this.#label = start.address.label
    this.#clock = start.clock
    this.#channel = channel
    this.#runner = runner
    this.#sender = new Sender(start.rings?.results)
    this.#receiver = new Receiver(start.rings?.jobs)
  }

  receive(message: ToWorker): void {
    if (message.type === 'abort') this.#abort.abort()
    else if (message.type === 'job') this.#last = this.#last.then(() => this.#work(message))
    else void this.#last.then(() => this.#finish())
  }

  async #work(job: JobMessage): Promise<void> {
    const start = this.#now()
    const { first, key, timeout } = job
    const own = { items: this.#receiver.open(job.items).values, first, key, timeout }
    const outcome = await runItems(this.#runner, own, this.#abort.signal)
    this.#answer(job.id, outcome, start)
  }

  #answer(id: number, { values, failed, drew }: Outcome, start: number): void {
    const send = (results: readonly unknown[], error: EncodedError | undefined): void => {
      const { wired, transfer } = this.#sender.pack(results)
      const end = this.#now()
      try {
        this.#channel.send(
          { type: 'result', id, drew, failed: error, start, end, values: wired },
          transfer,
        )
      } catch (cause) {
        this.#sender.drop(wired)
        throw cause
      }
    }
    try {
      send(values, failed && encodeError(failed.error))
    } catch (error) {
      const at = values.findIndex((value) => !isCloneable(value))
      if (at < 0) throw error
      send(values.slice(0, at), this.#unsendable(error))
    }
  }

  #unsendable(cause: unknown): EncodedError {
    return encodeError(
      new DataError(
        `the result of ${this.#label} cannot be sent to another thread: ${messageOf(cause)} ` +
          'Return data: numbers, text, typed arrays, records, tuples.',
        { cause },
      ),
    )
  }

  async #finish(): Promise<void> {
    let failed: EncodedError | undefined
    try {
      await this.#runner.close()
    } catch (error) {
      failed = encodeError(error)
    }
    // Nothing else may hold this thread once the port is closed: it then ends by itself, native work drained.
    this.#channel.send({ type: 'bye', failed, open: openResources() })
    this.#channel.close()
  }

  #now(): number {
    return sharedNow() + this.#clock
  }
}

/** What messages themselves come through, in threads and in processes. */
const channels = new Set(['MessagePort', 'PipeWrap'])

function openResources(): string[] {
  return [...new Set(process.getActiveResourcesInfo())].filter((name) => !channels.has(name))
}
