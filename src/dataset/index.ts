export type { BatchLimits, BatchOptions, BucketOptions, PaddedBatchOptions } from './batching.ts'
export { Dataset } from './dataset.ts'
export type { ChooseOptions, SampleOptions, Weights } from './directed.ts'
export type { GroupKey } from '../operators/check.ts'
export type { FinalReducer, Reducer, SplitOptions, SplitParts } from './groups.ts'
export type { JsonlOptions } from './lines.ts'
export type { MapFn, MapOptions } from './map.ts'
export type { OnlyChangedOptions } from './only-changed.ts'
export { Pipeline, type WriteOptions } from './pipeline.ts'
export type {
  GroupByWindowOptions,
  InterleaveOptions,
  Several,
  Windowed,
  WindowOptions,
} from './nested.ts'
export type { ProgramContext } from './program.ts'
export type { SaveOptions } from './save.ts'
export type { ResampleOptions } from './resample.ts'
export type { ShuffleOptions } from './shuffle.ts'
export type { CursorOptions, ListFilesOptions, PagesOptions, RandomOptions } from './sources.ts'
export type { UniqueOptions } from './unique.ts'
export type { StreamOptions } from './streams.ts'
export type { ValidateOptions } from './validate.ts'
export type { ZipInput, Zipped } from './zip.ts'
