/** Checks that pipelines keep their promises; the library's own tests use them. */
export { checkResume, firstOf, takeFrom } from './resume.ts'
export type { ResumeReport, RunShape } from './resume.ts'
export { VirtualClock } from './virtual-clock.ts'
export { FakeApi, fakeApi } from './fake-api/fake-api.ts'
export type { FakeApiOptions, FakeApiStats, Faults } from './fake-api/fake-api.ts'
export type { RetryAfterForm } from './fake-api/headers.ts'
export type { Quota, Violation } from './fake-api/model.ts'
