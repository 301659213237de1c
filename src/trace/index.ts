export type { Observer, RunEvent, WaitReason } from './events.ts'
