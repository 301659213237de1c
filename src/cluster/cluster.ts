import { dirname, relative, sep } from 'node:path'
import { InvalidArgumentError, StageAddressError } from '../errors/index.ts'
import { locate, type StageAddress } from '../stage/address.ts'
import { pathOf } from '../stage/birth.ts'
import type { Place } from '../stage/placed.ts'
import type { StageRecord } from '../stage/record.ts'
import { type Duration, durationMs } from '../stream/duration.ts'
import type { WorkPool } from '../stream/pool.ts'
import { type Code, codeOf, projectOf } from './code.ts'
import { checkedTenant, defaultTenant } from './names.ts'
import { type NatsOptions, resolveNats } from './options.ts'
import { ClusterPool } from './pool.ts'
import { leaseSession } from './session-lease.ts'

/** How stages run on workers of other machines. */
export interface ClusterOptions {
  /** Chunks worked on at once. Default: as many as the workers that serve the stage can. */
  readonly workers?: number
  /** What a worker must have, as it was started with `--labels`. Default: nothing. */
  readonly labels?: readonly string[]
  /** How to reach NATS. Default: what `--nats` or the environment says. */
  readonly nats?: NatsOptions
  /** Keeps apart who shares a broker; workers must name the same one. Default `'millstream'`, or `MILLSTREAM_TENANT`. */
  readonly tenant?: string
  /**
   * A worker that has not been heard of for so long is taken for dead, and its chunks go to others. Workers tell of
   * themselves also while a stage works. Default 15 s.
   */
  readonly ackWait?: Duration
  /** Workers that may die over one element before it counts as failed. Default 5. */
  readonly maxDeliveries?: number
  /** Servers that hold each chunk, in a cluster of NATS servers. Default 1: what one loses the run makes again. */
  readonly replicas?: 1 | 3 | 5
  /** How long a run waits for its first worker. Default 30 s. */
  readonly patience?: Duration
}

/** Options, checked and complete. */
interface Settings {
  readonly workers: number | undefined
  readonly labels: readonly string[]
  readonly nats: NatsOptions | undefined
  readonly tenant: string
  readonly ackWait: number
  readonly maxDeliveries: number
  readonly replicas: number
  readonly patience: number
}

/** A label is part of a command line: no commas, no blanks. */
const LABEL = /^[^\s,]+$/

/**
 * Workers on other machines, found through a NATS server: `ds.map(embed.on(cluster({ labels: ['gpu'] })))`. Start them with
 * `millstream worker --nats URL` in copies of the same project. Results are the same as in this thread, random numbers
 * and order included, whichever workers come, die or leave.
 *
 * @throws InvalidArgumentError for options that can never work. Runs throw ClusterError when no server or no worker is
 *   there, MissingPackageError without the packages of NATS, and StageAddressError like other places.
 */
export function cluster(options: ClusterOptions = {}): Place {
  const settings = checked(options)
  const { workers, labels } = settings
  const shown = [...(workers === undefined ? [] : [String(workers)]), ...labels].join(', ')
  return { name: `cluster(${shown})`, open: (stage, signal) => open(stage, settings, signal) }
}

function checked(options: ClusterOptions): Settings {
  const { workers, labels = [], nats, replicas = 1 } = options
  const { tenant = process.env['MILLSTREAM_TENANT'] ?? defaultTenant } = options
  const { ackWait = 15_000, maxDeliveries = 5, patience = 30_000 } = options
  if (workers !== undefined) wholeFrom1('workers', workers)
  wholeFrom1('maxDeliveries', maxDeliveries)
  const wrong = labels.find((label) => !LABEL.test(label))
  if (wrong !== undefined) {
    throw new InvalidArgumentError(
      `cluster: a label is a word without commas and blanks, not ${JSON.stringify(wrong)}`,
    )
  }
  return {
    workers,
    labels,
    nats,
    tenant: checkedTenant(tenant),
    ackWait: durationMs('cluster', 'ackWait', ackWait),
    maxDeliveries,
    replicas,
    patience: durationMs('cluster', 'patience', patience),
  }
}

function wholeFrom1(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return
  throw new InvalidArgumentError(`cluster: ${name} is a whole number from 1, not ${value}`)
}

async function open(
  stage: StageRecord,
  settings: Settings,
  signal: AbortSignal,
): Promise<WorkPool> {
  const address = await locate(stage)
  const { nats, ...rest } = settings
  const { session, release } = await leaseSession(signal, {
    nats: resolveNats(nats),
    tenant: settings.tenant,
    replicas: settings.replicas,
  })
  const { key, label: name } = address
  const code = codeAt(address)
  const parts = { ...rest, session, release, signal, key, name, code, config: stage.config }
  const pool = session.add((number) => new ClusterPool(parts, number))
  try {
    await pool.open()
    return pool
  } catch (error) {
    await pool.close()
    throw error
  }
}

/** Told to workers by paths within the project, which may lie elsewhere on their disks. */
function codeAt({ url, label }: StageAddress): Code {
  const path = pathOf(url)
  const project = projectOf(dirname(path))
  const module = relative(project, path).split(sep).join('/')
  if (!module.startsWith('../')) return codeOf(project, module)
  throw new StageAddressError(
    `${label} lies outside of its project, ${project}: a worker cannot find it there`,
  )
}
