/** Stages on workers of other machines, found through NATS. Needs @nats-io/transport-node and @nats-io/jetstream. */
export { cluster, type ClusterOptions } from './cluster.ts'
export type { Beat, StageBeat, WorkerStatus } from './messages.ts'
export { checkedTenant, defaultTenant } from './names.ts'
export { type NatsOptions, resolveNats, type ResolvedNats } from './options.ts'
export { clusterOverview, type ClusterOverview, stopRun } from './overview.ts'
export { projectOf } from './code.ts'
export { type NatsServer, startNatsServer } from './server.ts'
export { Worker, type WorkerOptions } from './worker.ts'
