export type { Observer, RunEvent, WaitReason, WarningCode } from './events.ts'
