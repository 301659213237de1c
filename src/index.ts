/** Millstream: data pipelines whose stages overlap. Start at `Dataset`. */
export { Dataset, Pipeline } from './dataset/index.ts'
export type {
  BatchLimits,
  BatchOptions,
  BucketOptions,
  ChooseOptions,
  CursorOptions,
  FinalReducer,
  GroupKey,
  GroupByWindowOptions,
  InterleaveOptions,
  JsonlOptions,
  ListFilesOptions,
  MapFn,
  MapOptions,
  OnlyChangedOptions,
  PaddedBatchOptions,
  PagesOptions,
  ProgramContext,
  RandomOptions,
  Reducer,
  ResampleOptions,
  Several,
  SampleOptions,
  SaveOptions,
  ShuffleOptions,
  SplitOptions,
  SplitParts,
  StreamOptions,
  UniqueOptions,
  ValidateOptions,
  Windowed,
  WindowOptions,
  WriteOptions,
  Weights,
  ZipInput,
  Zipped,
} from './dataset/index.ts'
export * from './errors/index.ts'
export type { Cost } from './limit/cost.ts'
export { Limit, limit, type LimitOptions } from './limit/limit.ts'
export type { Rate } from './limit/rate.ts'
export type { RetryOptions } from './limit/retry.ts'
export { inline, processes, threads } from './place/index.ts'
export type { PlaceOptions } from './place/index.ts'
export type { PlanNode } from './plan/node.ts'
export type { ChangeCounts } from './run/changes/pass.ts'
export type { Checkpoint } from './run/checkpoint.ts'
export { deadLettersIn, type RetrySummary } from './run/dead/retry.ts'
export type { StoredError, StoredLetter } from './run/dead/stored-letter.ts'
export type { IterateOptions, Iteration, ReadOptions } from './run/iteration.ts'
export type { AutotuneOptions } from './run/tune/autotune.ts'
export type { StageMetrics } from './run/metrics.ts'
export type { RunSummary, SinkRunOptions } from './run/sink-run.ts'
export type { StallOptions } from './run/watchdog.ts'
export type { Every } from './run/schedule.ts'
export { to } from './sinks/index.ts'
export type { CallContext, CallOptions, CsvOptions, CsvRow, CsvValue } from './sinks/index.ts'
export type { Page } from './sources/pages.ts'
export type { LabeledFile } from './sources/files.ts'
export { stage } from './stage/index.ts'
export type { Place, Placed, Stage, StageModule, StageParts, StageTemplate } from './stage/index.ts'
export type { Costs } from './stream/budget.ts'
export { MemoryCallStore, type CallStore } from './stream/call-store.ts'
export type { ChangeKey } from './stream/changes.ts'
export type { Clock } from './stream/clock.ts'
export type { DeadLetter, DeadLetters } from './stream/dead-letter.ts'
export type { Duration } from './stream/duration.ts'
export type { Local } from './stream/local.ts'
export type { StandardSchema } from './stream/standard-schema.ts'
export type { Json } from './stream/operator.ts'
export { Column, ElementSpec, Tensor } from './tensor/index.ts'
export type { Sink, SinkChunk, SinkContext, Writer } from './stream/sink.ts'
export type { Observer, RunEvent, WaitReason, WarningCode } from './trace/index.ts'
export type {
  Batch,
  DType,
  NumericArray,
  PaddedShapes,
  PaddingValues,
  RaggedBatch,
  Shape,
  Unbatch,
} from './tensor/index.ts'
