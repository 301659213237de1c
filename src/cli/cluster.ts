import {
  checkedTenant,
  type ClusterOverview,
  clusterOverview,
  defaultTenant,
  projectOf,
  resolveNats,
  stopRun,
  Worker,
} from '../cluster/index.ts'
import type { ClusterCommand } from './cluster-arguments.ts'
import { print } from './output.ts'
import type { Stop } from './stop.ts'

type Of<C> = Extract<ClusterCommand, { readonly command: C }>

/** `millstream worker`: the exit code, once it was asked to stop. */
export async function worker(
  { labels, threads, project, untilEof }: Of<'worker'>,
  stop: Stop,
): Promise<number> {
  const told = (line: string): void => void process.stderr.write(`${line}\n`)
  const root = projectOf(project ?? process.cwd())
  const tenant = tenantNow()
  const served = await Worker.start({
    nats: resolveNats(),
    tenant,
    labels,
    slots: threads,
    project: root,
    told,
  })
  const as = labels.length === 0 ? '' : ` (${labels.join(', ')})`
  told(`worker ${served.name}${as} serves stages of ${root}`)
  await new Promise((resolve) => {
    stop.signal.addEventListener('abort', resolve, { once: true })
    if (stop.signal.aborted) resolve(undefined)
    if (untilEof) process.stdin.once('end', resolve).resume()
  })
  await served.drain()
  if (untilEof) process.stdin.destroy() // it would hold the process
  told('all that was at hand is done')
  return 0
}

/** `millstream cluster`: the exit code. */
export async function clusterAbout(command: Of<'cluster'>): Promise<number> {
  const nats = resolveNats()
  if (command.action === 'status') {
    const overview = await clusterOverview(nats, tenantNow())
    await print(...(command.json ? [JSON.stringify(overview)] : linesOf(overview)))
    return 0
  }
  const { action, run } = command
  const came = await stopRun(nats, tenantNow(), run, action)
  const stops = action === 'cancel' ? 'stops' : 'brings what is under way to its end and stops'
  await print(
    came === 'told' ? `run ${run} ${stops}` : `run ${run} was gone; what it left is removed`,
  )
  return 0
}

function linesOf({ runs, workers, remains }: ClusterOverview): string[] {
  if (runs.length + workers.length + remains.length === 0) return ['no runs, no workers']
  return [
    ...runs.flatMap(({ run, program, host, pid, stages }) => [
      `run ${run}  ${program} on ${host} (${pid})`,
      ...stages.map(
        ({ name, labels, workers: serving, open, done }) =>
          `  ${name}${bracketed(labels)}  ${serving.length} workers  ${done} chunks done  ${open} under way`,
      ),
    ]),
    ...workers.map(({ worker: name, labels, slots, runs: serving }) => {
      const doing = serving.length === 0 ? 'idle' : `serves ${serving.join(', ')}`
      return `worker ${name}${bracketed(labels)}  ${slots} at once  ${doing}`
    }),
    ...remains.map((run) => `run ${run} is gone and left something; the next run removes it`),
  ]
}

function bracketed(labels: readonly string[]): string {
  return labels.length === 0 ? '' : ` [${labels.join(', ')}]`
}

function tenantNow(): string {
  return checkedTenant(process.env['MILLSTREAM_TENANT'] ?? defaultTenant)
}
