export { inline } from './inline.ts'
export { threads } from './threads.ts'
