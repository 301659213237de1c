export { Dataset, type ShuffleOptions } from './dataset.ts'
export type { MapFn, MapOptions } from './map.ts'
export type { ZipInput, Zipped } from './zip.ts'
