/**
 * What things are called in the broker. All subjects of a tenant begin with its name, so that the permissions of an account
 * can fence them; all streams of a run hold its id, so that whoever finds them knows what they belonged to.
 */
import { InvalidArgumentError } from '../errors/index.ts'

/** What separates those who share a broker without accounts. */
export const defaultTenant = 'millstream'

/** @throws InvalidArgumentError when it would not fit into a subject. */
export function checkedTenant(tenant: string): string {
  if (/^[A-Za-z0-9_]{1,64}$/.test(tenant)) return tenant
  throw new InvalidArgumentError(
    `a tenant's name is part of subjects and streams: letters, digits and _ only, not ${JSON.stringify(tenant)}`,
  )
}

/** Subjects that all of a tenant share. */
export function commonSubjects(tenant: string) {
  return {
    /** Asks runs to tell of themselves. */
    whoRuns: `${tenant}.who.runs`,
    /** Asks workers to tell of themselves. */
    whoWorks: `${tenant}.who.works`,
    /** Where all runs tell of themselves. */
    beats: `${tenant}.run.*.beat`,
  }
}

/** Subjects of one run. */
export function runSubjects(tenant: string, run: string) {
  const at = (what: string): string => `${tenant}.run.${run}.${what}`
  return {
    /** The run tells of itself. */
    beat: at('beat'),
    /** A worker asks what a stage is. */
    stage: at('stage'),
    /** A worker brings what came of a chunk. */
    done: at('done'),
    /** Workers tell what they do; nobody waits for it. */
    news: at('news'),
    /** Somebody wants the run to stop. */
    control: at('control'),
  }
}

/** The work queue of a stage. */
export function queueNames(tenant: string, run: string, stage: number) {
  return {
    stream: `${tenant}-${run}-jobs-${stage}`,
    subjects: `${tenant}.job.${run}.${stage}.>`,
    subject: (id: string): string => `${tenant}.job.${run}.${stage}.${id}`,
    idOf: (subject: string): string => subject.slice(subject.lastIndexOf('.') + 1),
  }
}

/** Where what is too large for a message lies, in parts. */
export function partNames(tenant: string, run: string) {
  return {
    stream: `${tenant}-${run}-parts`,
    subjects: `${tenant}.part.${run}.>`,
    all: (blob: string): string => `${tenant}.part.${run}.${blob}.>`,
    subject: (blob: string, k: number): string => `${tenant}.part.${run}.${blob}.${k}`,
  }
}

/** The run that a stream belongs to; undefined of streams of other tenants and programs. */
export function runOfStream(tenant: string, stream: string): string | undefined {
  const match = /^([A-Za-z0-9_]+)-([0-9a-f]+)-(?:jobs-\d+|parts)$/.exec(stream)
  return match?.[1] === tenant ? match[2] : undefined
}
