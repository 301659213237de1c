export { exactJsonLine } from './exact-json.ts'
export { type JsonOptions, jsonLine } from './json-line.ts'
