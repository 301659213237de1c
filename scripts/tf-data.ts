/** What tf.data.Dataset has, and where it is here. */
import { operators } from '../src/operators/table.ts'

/**
 * Public members of tf.data.Dataset, from TensorFlow's own list of its API, which its tests compare with the code:
 * tensorflow/tools/api/golden/v2/tensorflow.data.-dataset.pbtxt (2.20).
 */
export const tfDataset = [
  ['apply', 'as_numpy_iterator', 'batch', 'bucket_by_sequence_length', 'cache', 'cardinality'],
  ['choose_from_datasets', 'concatenate', 'counter', 'element_spec', 'enumerate', 'filter'],
  ['fingerprint', 'flat_map', 'from_generator', 'from_tensor_slices', 'from_tensors'],
  ['get_single_element', 'group_by_window', 'ignore_errors', 'interleave', 'list_files', 'load'],
  ['map', 'options', 'padded_batch', 'prefetch', 'ragged_batch', 'random', 'range', 'rebatch'],
  ['reduce', 'rejection_resample', 'repeat', 'sample_from_datasets', 'save', 'scan', 'shard'],
  ['shuffle', 'skip', 'snapshot', 'sparse_batch', 'take', 'take_while', 'unbatch', 'unique'],
  ['window', 'with_options', 'zip'],
].flat()

/** Left out on purpose: names that mean something only inside TensorFlow, and what to do here. */
export const leftOut: Readonly<Record<string, string>> = {
  as_numpy_iterator: 'Elements are JavaScript values already: iterate the dataset.',
  fingerprint:
    'The hash of a graph. Here a checkpoint holds a hash of each operator, and checks it.',
  options:
    'Reads what `with_options` set. Here a plan has no settings beside the arguments of its operators.',
  sparse_batch:
    'Makes a SparseTensor, which JavaScript has not: keep places and values in two columns.',
  with_options:
    'Sets threads, optimizations and distribution of a TensorFlow graph. Here parallelism is an argument of the ' +
    'operator that uses it, places are part of stages, and plans are always rewritten.',
}

/** Members of datasets that are no operators. */
export const besides: readonly {
  readonly tf: string
  readonly here: string
  readonly differences: string
}[] = [
  { tf: 'apply', here: 'apply', differences: 'may return anything, not only a dataset' },
  {
    tf: 'cardinality',
    here: 'cardinality',
    differences: 'a number; `Infinity` without end, undefined when unknown',
  },
  {
    tf: 'element_spec',
    here: 'elementSpec',
    differences: "read off the first element; TypeScript knows the elements' types without running",
  },
  { tf: 'from_tensors', here: 'Dataset.fromTensors', differences: 'any value' },
  {
    tf: 'get_single_element',
    here: 'first',
    differences: 'undefined when there is none; more than one is no error',
  },
  {
    tf: 'map',
    here: 'mapBatches',
    differences: '`batch(size).map(fn).unbatch()` in one; called map_batches in Ray Data',
  },
  {
    tf: 'reduce',
    here: 'reduce',
    differences: 'the function runs in this thread, on any values',
  },
  {
    tf: 'snapshot',
    here: 'cache(folder)',
    differences: 'a cache in a folder is kept between runs, so one is enough',
  },
  {
    tf: 'save',
    here: 'save',
    differences:
      'refuses a folder that is taken, unless told to overwrite; returns the number of elements',
  },
]

/** How an operator is written where its name is not that of a method. */
export const written: Readonly<Record<string, string>> = {
  array: 'Dataset.fromArray',
  slices: 'Dataset.fromTensorSlices',
  generator: 'Dataset.fromGenerator, Dataset.from',
  pages: 'Dataset.fromPages',
  batchBy: 'batch({ max, maxCost, maxWait })',
  load: 'Dataset.load',
  mapAsync: 'map with an async function, parallelism or a placed stage',
  keepValid: "validate with onError: 'skip'",
  globalShuffle: "shuffle('global')",
}

/** The name in tf.data, if there is one, and what is different here. */
export function tfDataOf(text: string): { readonly name?: string; readonly differences: string } {
  const [, name = '', differences = ''] = /^([\w.]+)[,;:]?\s*(.*)$/s.exec(text) ?? []
  return name === 'none' ? { differences } : { name, differences }
}

/** Names of tf.data.Dataset that some operator or method stands for. */
export function mapped(): ReadonlySet<string> {
  const names = operators.flatMap(({ tfData }) => tfDataOf(tfData).name ?? [])
  return new Set([...names, ...besides.map(({ tf }) => tf)])
}

/** Names that are neither here nor left out on purpose. */
export function missing(): readonly string[] {
  const here = mapped()
  return tfDataset.filter((name) => !here.has(name) && !Object.hasOwn(leftOut, name))
}
