/** The engine users name: Millstream's own training graphs on ONNX Runtime, in a thread of their own. */

import { InvalidArgumentError } from '../../errors/index.ts'
import { evaluateWith } from '../evaluate.ts'
import type {
  Evaluation,
  ModelSpec,
  Predictor,
  StepResult,
  TrainBatch,
  TrainEngine,
  Trainer,
} from '../trainer.ts'
import { sizeOf } from './graph.ts'
import { WorkerHost } from './host.ts'
import { planModel } from './plan.ts'

/**
 * Trains and runs models on ONNX Runtime. Needs the optional package `onnxruntime-node`.
 *
 * The same seed and batches give the same bytes of weights with one thread and with two, on one kind of
 * processor. With more threads the last bit of a sum may differ: in dense layers of hundreds of units, and
 * where a batch has fewer photos than there are threads.
 * `create` throws InvalidArgumentError for a spec that cannot be built or a GPU that is not there,
 * MissingPackageError without the package; `load` throws DataError for a file `save` did not write.
 */
export const onnxEngine: TrainEngine = {
  name: 'onnx',

  async create(spec) {
    planModel(spec)
    const host = new WorkerHost()
    const device = await orClose(host, host.call('create', { spec }))
    return new OnnxTrainer(host, spec, device)
  },

  async load(path) {
    const host = new WorkerHost()
    const { spec, metadata } = await orClose(host, host.call('load', { path }))
    return Object.assign(new OnnxPredictor(host, spec), { metadata })
  },
}

async function orClose<T>(host: WorkerHost, started: Promise<T>): Promise<T> {
  try {
    return await started
  } catch (error) {
    await host.close()
    throw error
  }
}

class OnnxPredictor implements Predictor {
  readonly spec: ModelSpec
  protected readonly host: WorkerHost

  constructor(host: WorkerHost, spec: ModelSpec) {
    this.host = host
    this.spec = spec
  }

  async predict(x: Uint8Array, n: number): Promise<Float32Array> {
    checkPhotos(this.spec, x, n)
    if (n === 0) return new Float32Array(0)
    const copy = x.slice()
    return this.host.call('predict', { x: copy, n }, [copy.buffer])
  }

  evaluate(batches: AsyncIterable<TrainBatch>): Promise<Evaluation> {
    return evaluateWith(this, batches)
  }

  dispose(): Promise<void> {
    return this.host.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }
}

class OnnxTrainer extends OnnxPredictor implements Trainer {
  readonly device: Trainer['device']

  constructor(host: WorkerHost, spec: ModelSpec, device: Trainer['device']) {
    super(host, spec)
    this.device = device
  }

  async trainStep(batch: TrainBatch, { lr }: { readonly lr: number }): Promise<StepResult> {
    checkPhotos(this.spec, batch.x, this.spec.batch)
    checkClasses(this.spec, batch.y)
    if (!Number.isFinite(lr)) throw new InvalidArgumentError(`lr is ${lr}; it must be a number.`)
    const x = owned(batch.x)
    const y = owned(batch.y)
    const step = await this.host.call('step', { x, y, lr }, [x.buffer, y.buffer])
    const { timeOrigin } = performance
    return { ...step, start: step.start - timeOrigin, end: step.end - timeOrigin }
  }

  checkpoint(): Promise<Uint8Array> {
    return this.host.call('checkpoint', null)
  }

  async restore(checkpoint: Uint8Array): Promise<void> {
    await this.host.call('restore', { checkpoint })
  }

  save(
    path: string,
    metadata: Readonly<Record<string, string>> = {},
  ): Promise<{ bytes: number; sha256: string }> {
    return this.host.call('save', { path, metadata })
  }
}

function checkPhotos({ input: { shape } }: ModelSpec, x: Uint8Array, n: number): void {
  const size = sizeOf(shape)
  if (x.length === n * size) return
  const hint = x.length === 0 ? ' Its buffer may have been given to trainStep before.' : ''
  throw new InvalidArgumentError(
    `${n} photos of ${shape.join('x')} are ${n * size} bytes, and x has ${x.length}.${hint}`,
  )
}

function checkClasses({ batch, classes }: ModelSpec, y: Int32Array): void {
  if (y.length !== batch)
    throw new InvalidArgumentError(`A batch has ${batch} photos, and y has ${y.length} numbers.`)
  const wrong = y.find((value) => value < 0 || value >= classes.length)
  if (wrong !== undefined)
    throw new InvalidArgumentError(`y has class ${wrong}; classes are 0 to ${classes.length - 1}.`)
}

/** The array itself when it owns all of its buffer, else a copy: a buffer shared with others must stay. */
function owned<T extends Uint8Array | Int32Array>(array: T): T & { buffer: ArrayBuffer } {
  const whole = array.byteLength === array.buffer.byteLength && array.buffer instanceof ArrayBuffer
  return (whole ? array : array.slice()) as T & { buffer: ArrayBuffer }
}
