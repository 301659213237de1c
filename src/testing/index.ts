/** Checks that pipelines keep their promises; the library's own tests use them. */
export { checkResume, firstOf, takeFrom } from './resume.ts'
export type { ResumeReport, RunShape } from './resume.ts'
export { VirtualClock } from './virtual-clock.ts'
