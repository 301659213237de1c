import { InvalidArgumentError } from '../errors/index.ts'
import { arraySpec, slicesSpec } from '../sources/array.ts'
import { counterSpec } from '../sources/counter.ts'
import { labeledFilesSpec, listFilesSpec } from '../sources/files.ts'
import { generatorSpec } from '../sources/generator.ts'
import { loadSpec } from '../sources/load.ts'
import { randomSpec } from '../sources/random.ts'
import { pagesSpec } from '../sources/pages.ts'
import { rangeSpec } from '../sources/range.ts'
import { assertCardinalitySpec } from './assert-cardinality.ts'
import { batchBySpec } from './batch-by.ts'
import { batchSpec } from './batch.ts'
import { bucketBySequenceLengthSpec } from './bucket-by-sequence-length.ts'
import { cacheSpec } from './cache.ts'
import { chooseFromDatasetsSpec } from './choose-from-datasets.ts'
import { concatenateSpec } from './concatenate.ts'
import { enumerateSpec } from './enumerate.ts'
import { filterSpec } from './filter.ts'
import { flatMapSpec } from './flat-map.ts'
import { groupBySpec } from './group-by.ts'
import { groupByWindowSpec } from './group-by-window.ts'
import { globalShuffleSpec } from './global-shuffle.ts'
import { ignoreErrorsSpec } from './ignore-errors.ts'
import { interleaveSpec } from './interleave.ts'
import { mapAsyncSpec } from './map-async.ts'
import { mapSpec } from './map.ts'
import { onlyChangedSpec } from './only-changed.ts'
import { paddedBatchSpec } from './padded-batch.ts'
import { prefetchSpec } from './prefetch.ts'
import { raggedBatchSpec } from './ragged-batch.ts'
import { rebatchSpec } from './rebatch.ts'
import { rejectionResampleSpec } from './rejection-resample.ts'
import { repeatSpec } from './repeat.ts'
import { sampleFromDatasetsSpec } from './sample-from-datasets.ts'
import { scanSpec } from './scan.ts'
import { shardSpec } from './shard.ts'
import { shuffleSpec } from './shuffle.ts'
import { skipSpec } from './skip.ts'
import type { OperatorSpec } from '../stream/spec.ts'
import { splitSpec } from './split.ts'
import { takeSpec } from './take.ts'
import { takeWhileSpec } from './take-while.ts'
import { unbatchSpec } from './unbatch.ts'
import { uniqueSpec } from './unique.ts'
import { keepValidSpec, validateSpec } from './validate.ts'
import { windowSpec } from './window.ts'
import { zipSpec } from './zip.ts'

/** Every operator there is: one file each, one row here. */
export const operators: readonly OperatorSpec[] = [
  rangeSpec,
  counterSpec,
  randomSpec,
  arraySpec,
  slicesSpec,
  generatorSpec,
  pagesSpec,
  listFilesSpec,
  labeledFilesSpec,
  loadSpec,
  zipSpec,
  concatenateSpec,
  sampleFromDatasetsSpec,
  chooseFromDatasetsSpec,
  mapSpec,
  mapAsyncSpec,
  filterSpec,
  rejectionResampleSpec,
  validateSpec,
  keepValidSpec,
  flatMapSpec,
  interleaveSpec,
  windowSpec,
  groupByWindowSpec,
  bucketBySequenceLengthSpec,
  groupBySpec,
  batchSpec,
  batchBySpec,
  paddedBatchSpec,
  raggedBatchSpec,
  unbatchSpec,
  rebatchSpec,
  shuffleSpec,
  globalShuffleSpec,
  repeatSpec,
  takeSpec,
  skipSpec,
  takeWhileSpec,
  shardSpec,
  splitSpec,
  enumerateSpec,
  scanSpec,
  uniqueSpec,
  onlyChangedSpec,
  cacheSpec,
  prefetchSpec,
  ignoreErrorsSpec,
  assertCardinalitySpec,
]

const byName = new Map(operators.map((spec) => [spec.op, spec]))

/** @throws InvalidArgumentError for an operator that is not in the table. */
export function specOf(op: string): OperatorSpec {
  const spec = byName.get(op)
  if (spec === undefined) throw new InvalidArgumentError(`there is no operator ${op}`)
  return spec
}
