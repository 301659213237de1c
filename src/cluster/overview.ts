import { ClusterError } from '../errors/index.ts'
import { decode, encode } from './codec.ts'
import type { Beat, Control, WorkerStatus } from './messages.ts'
import { commonSubjects, runOfStream, runSubjects } from './names.ts'
import { connectNats } from './nats.ts'
import type { ResolvedNats } from './options.ts'
import type { Broker } from './port.ts'
import { removeRun } from './session.ts'

/** Milliseconds that runs and workers get to tell of themselves. */
const ROLL_CALL_MS = 1_500

/** Who is there. */
export interface ClusterOverview {
  readonly runs: readonly Beat[]
  readonly workers: readonly WorkerStatus[]
  /** Runs that left something in the broker and do not answer: the next run removes it. */
  readonly remains: readonly string[]
}

/** Asks who runs and who works. */
export async function clusterOverview(
  nats: ResolvedNats,
  tenant: string,
): Promise<ClusterOverview> {
  return withBroker(nats, async (broker) => {
    const { whoWorks, whoRuns, beats } = commonSubjects(tenant)
    const runs = new Map<string, Beat>()
    broker.listen(beats, ({ data }) => {
      const beat = decode<Beat>(data)
      if (!beat.over) runs.set(beat.run, beat)
    })
    broker.tell(whoRuns, encode({}))
    const answers = await Promise.all([broker.askAll(whoWorks, ROLL_CALL_MS), pause(ROLL_CALL_MS)])
    const streams = await broker.streams(tenant)
    const found = streams.flatMap((stream) => runOfStream(tenant, stream) ?? [])
    return {
      runs: [...runs.values()],
      workers: answers[0].map((answer) => decode<WorkerStatus>(answer)),
      remains: [...new Set(found)].filter((run) => !runs.has(run)),
    }
  })
}

/**
 * Asks a run to stop: `cancel` gives up what is under way, `drain` brings it to its end first. Of a run that is not there
 * any more it removes what it left; then the answer is `'gone'`.
 *
 * @throws ClusterError when there is nothing of such a run.
 */
export async function stopRun(
  nats: ResolvedNats,
  tenant: string,
  run: string,
  action: Control['action'],
): Promise<'told' | 'gone'> {
  return withBroker(nats, async (broker) => {
    const { control } = runSubjects(tenant, run)
    const answer = await broker.ask(control, encode({ action } satisfies Control), ROLL_CALL_MS)
    if (answer !== undefined) return 'told'
    const streams = await broker.streams(tenant)
    if (!streams.some((stream) => runOfStream(tenant, stream) === run)) {
      throw new ClusterError(
        `there is no run ${run}: millstream cluster status lists those there are`,
      )
    }
    await removeRun(broker, tenant, run)
    return 'gone'
  })
}

async function withBroker<R>(nats: ResolvedNats, act: (broker: Broker) => Promise<R>): Promise<R> {
  const broker = await connectNats(nats, 'millstream cluster')
  try {
    return await act(broker)
  } finally {
    await broker.close()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
