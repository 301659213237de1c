export { type JsonOptions, jsonLine } from './json-line.ts'
