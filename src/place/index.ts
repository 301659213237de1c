export { inline } from './inline.ts'
export type { PlaceOptions } from './open-workers.ts'
export { processes } from './processes.ts'
export { threads } from './threads.ts'
