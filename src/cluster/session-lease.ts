import type { ResolvedNats } from './options.ts'
import { Session } from './session.ts'

interface Shared {
  readonly opening: Promise<Session>
  users: number
}

/** Where the stages of a run meet. */
export interface Meeting {
  readonly nats: ResolvedNats
  readonly tenant: string
  readonly replicas: number
}

/** A session, until it is released. */
export interface Lease {
  readonly session: Session
  /** The last one closes the session. Safe to call twice. */
  readonly release: () => Promise<void>
}

/** Sessions of runs, which are told apart by their signals. */
const sessions = new WeakMap<AbortSignal, Map<string, Shared>>()

/** The session that all stages of a run share. */
export async function leaseSession(signal: AbortSignal, meeting: Meeting): Promise<Lease> {
  const { nats, tenant, replicas } = meeting
  const key = JSON.stringify([nats.servers, nats.user ?? null, tenant, replicas])
  const ofRun = sessions.get(signal) ?? new Map<string, Shared>()
  sessions.set(signal, ofRun)
  const shared = ofRun.get(key) ?? { opening: Session.open(nats, tenant, replicas), users: 0 }
  ofRun.set(key, shared)
  shared.users++
  const leave = (): boolean => {
    shared.users--
    if (shared.users === 0) ofRun.delete(key)
    return shared.users === 0
  }
  try {
    const session = await shared.opening
    let released: Promise<void> | undefined
    return {
      session,
      release: () => (released ??= leave() ? session.close() : Promise.resolve()),
    }
  } catch (error) {
    leave()
    throw error
  }
}
