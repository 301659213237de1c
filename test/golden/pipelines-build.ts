/** Builds the `Dataset` that a golden pipeline describes. */
import { Dataset } from '../../src/index.ts'
import { Column, isRecord, isTuple } from '../../src/tensor/index.ts'
import { Refused } from './numbers.ts'
import { Unsupported } from './outcome.ts'
import { functions, unary } from './pipelines-functions.ts'
import { decode } from './values.ts'

/** A pipeline of the golden language. */
export interface Pipeline {
  readonly source: Args
  readonly ops?: readonly Step[]
}

export interface Step {
  readonly op: string
  readonly args?: Args
}

export type Args = Readonly<Record<string, unknown>>
type Table<F> = Readonly<Record<string, F>>
type Operator = (ds: Dataset<unknown>, args: Args) => Dataset<unknown>
type Source = (args: unknown) => Dataset<unknown>

/**
 * The dataset of a pipeline without its `reduce`.
 *
 * @throws Unsupported when the library lacks a source, operator or function it names.
 * @throws Refused when TypeScript's checker refuses it.
 */
export function build({ source, ops = [] }: Pipeline): Dataset<unknown> {
  const [[kind, args] = ['none', undefined]] = Object.entries(source)
  const start = named(sources, 'source', kind)(args)
  return ops.reduce(
    (ds, { op, args: own = {} }) => named(operators, 'operator', op)(ds, own),
    start,
  )
}

/** @throws Unsupported when there is no such function in the table. */
export function named<F>(table: Table<F>, what: string, name: unknown): F {
  const found = typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined
  if (found === undefined) throw new Unsupported(`${what} ${String(name)}`)
  return found
}

/** Calls a method by name, for the library may lack it: `Dataset.range` or that of a dataset. */
function call(on: object, what: string, name: string, args: readonly unknown[]): Dataset<unknown> {
  const fn: unknown = Reflect.get(on, name)
  if (typeof fn !== 'function') throw new Unsupported(`${what} ${name}`)
  return Reflect.apply(fn, on, args) as Dataset<unknown>
}

const sources: Table<Source> = {
  range: (args) => {
    const { start = 0, stop, step = 1 } = args as Args
    return make('range', decode(start), decode(stop), decode(step))
  },
  fromTensorSlices: (columns) => make('fromTensorSlices', decode(columns)),
  fromTensors: (value) => make('fromTensors', decode(value)),
  fromRows: (rows) => make('fromArray', rowsOf(rows as readonly (readonly unknown[])[])),
  zip: (structure) => make('zip', mapPipelines(structure)),
  chooseFromDatasets: (args) => {
    const { datasets, choice, ...options } = args as Args
    return make('chooseFromDatasets', pipelines(datasets), build(choice as Pipeline), options)
  },
  sampleFromDatasets: (args) => {
    const { datasets, ...options } = args as Args
    return make('sampleFromDatasets', pipelines(datasets), options)
  },
}

function make(name: string, ...args: readonly unknown[]): Dataset<unknown> {
  return call(Dataset, 'source', name, args)
}

const pipelines = (list: unknown): Dataset<unknown>[] => (list as readonly Pipeline[]).map(build)

/** An empty row is one of words when its neighbours are. */
function rowsOf(rows: readonly (readonly unknown[])[]): unknown[] {
  const words = rows.some((row) => row.some((item) => typeof item === 'string'))
  return rows.map((row) => (words ? Column.copy(row) : decode(row)))
}

/** A structure of pipelines as one of datasets. */
function mapPipelines(structure: unknown): unknown {
  if (!isRecord(structure)) throw new Unsupported(`zip of ${JSON.stringify(structure)}`)
  if ('source' in structure) return build(structure as unknown as Pipeline)
  const { $tuple } = structure
  if (isTuple($tuple)) return $tuple.map(mapPipelines)
  return Object.fromEntries(Object.entries(structure).map(([k, v]) => [k, mapPipelines(v)]))
}

const operators: Table<Operator> = {
  map: (ds, { fn }) => method(ds, 'map', named(unary, 'function', fn)),
  filter: (ds, { fn }) => method(ds, 'filter', predicate(fn)),
  takeWhile: (ds, { fn }) => method(ds, 'takeWhile', predicate(fn)),
  flatMap: (ds, { fn }) => method(ds, 'flatMap', named(functions.expansions, 'function', fn)),
  interleave: (ds, { fn, ...options }) =>
    method(ds, 'interleave', named(functions.expansions, 'function', fn), options),
  batch: sized('batch', 'size'),
  raggedBatch: sized('raggedBatch', 'size'),
  paddedBatch: (ds, { size, ...options }) => method(ds, 'paddedBatch', size, paddingOf(options)),
  unbatch: (ds) => method(ds, 'unbatch'),
  rebatch: sized('rebatch', 'sizes'),
  window: sized('window', 'size'),
  groupByWindow: (ds, { key, reduce, windowSizeFn, ...options }) =>
    method(ds, 'groupByWindow', {
      ...options,
      key: named(unary, 'function', key),
      reduce: named(functions.groups, 'function', reduce),
      ...(windowSizeFn !== undefined && {
        windowSize: named(functions.sizes, 'function', windowSizeFn),
      }),
    }),
  bucketBySequenceLength: (ds, { lengthFn, ...options }) =>
    method(ds, 'bucketBySequenceLength', {
      ...paddingOf(options),
      length: named(unary, 'function', lengthFn),
    }),
  scan: (ds, { init, fn }) =>
    method(ds, 'scan', decode(init), named(functions.scans, 'function', fn)),
  take: sized('take', 'count'),
  skip: sized('skip', 'count'),
  repeat: sized('repeat', 'count'),
  prefetch: sized('prefetch', 'bufferSize'),
  shuffle: sized('shuffle', 'bufferSize'),
  enumerate: sized('enumerate', 'start'),
  shard: (ds, { numShards, index }) => method(ds, 'shard', numShards, index),
  concatenate: (ds, args) => method(ds, 'concatenate', build(args['with'] as Pipeline)),
  unique: (ds) => method(ds, 'unique'),
  cache: (ds) => method(ds, 'cache'),
  ignoreErrors: (ds) => method(ds, 'ignoreErrors'),
}

function method(ds: Dataset<unknown>, name: string, ...args: readonly unknown[]): Dataset<unknown> {
  return call(ds, 'operator', name, args)
}

/** An operator that takes one value, and the rest of its arguments as options. */
function sized(name: string, first: string): Operator {
  return (ds, { [first]: value, ...options }) => {
    const rest = Object.keys(options).length > 0 ? [options] : []
    return method(ds, name, ...(value === undefined && rest.length === 0 ? [] : [value]), ...rest)
  }
}

/** What gives no boolean does not compile as a predicate: refused.ts has the proof. */
function predicate(name: unknown): (x: unknown) => boolean {
  const { booleans, maps } = functions
  const known = typeof name === 'string' && !Object.hasOwn(booleans, name)
  if (known && Object.hasOwn(maps, name)) throw new Refused(`${name} gives no boolean`)
  return named(booleans, 'function', name)
}

/** Shapes stay arrays, with null for a size that is taken from the batch; structures become plain. */
function paddingOf({ paddedShapes, paddingValues, ...options }: Args): Args {
  return {
    ...options,
    ...(paddedShapes !== undefined && { paddedShapes: plain(paddedShapes) }),
    ...(paddingValues !== undefined && { paddingValues: decode(paddingValues) }),
  }
}

function plain(json: unknown): unknown {
  if (!isRecord(json)) return json
  const { $tuple } = json
  if (isTuple($tuple)) return $tuple.map(plain)
  return Object.fromEntries(Object.entries(json).map(([k, v]) => [k, plain(v)]))
}
