/**
 * The seam between a pipeline and whatever trains: create from a spec, step, evaluate, save, load, dispose.
 * Engines live in their own thread or process, because a training step blocks the thread it runs on.
 */

/** One layer of a network; shapes follow from the input's. */
export type LayerSpec =
  | {
      readonly op: 'conv'
      readonly filters: number
      /** Side of the square kernel. Default 3. */
      readonly kernel?: number
      /** Default 1. */
      readonly stride?: number
      /** Default true; leave it out before batchNorm. */
      readonly bias?: boolean
    }
  | {
      readonly op: 'maxPool' | 'batchNorm' | 'relu' | 'flatten' | 'globalMaxPool' | 'globalAvgPool'
    }
  | { readonly op: 'dense'; readonly units: number }

/** How weights move. */
export type OptimizerSpec =
  | {
      readonly kind: 'sgd'
      /** Default 0. */
      readonly momentum?: number
      /** Default false. */
      readonly nesterov?: boolean
      /** L2 decay on convolution and dense weights, not on biases or batch norm. Default 0. */
      readonly weightDecay?: number
    }
  | {
      readonly kind: 'adam'
      /** Default 0.9. */
      readonly beta1?: number
      /** Default 0.999. */
      readonly beta2?: number
      /** Default 1e-8. */
      readonly eps?: number
    }

/** A classifier as plain JSON: everything that is needed to build it again. */
export interface ModelSpec {
  readonly input: {
    /** Height, width, channels of one photo. */
    readonly shape: readonly [h: number, w: number, c: number]
    /** Per channel, in 0..255: the graph computes `(x - mean) / std` itself. */
    readonly mean: readonly number[]
    readonly std: readonly number[]
  }
  readonly layers: readonly LayerSpec[]
  /** Names of the classes, in the order of the outputs. */
  readonly classes: readonly string[]
  /** Photos in a training step. */
  readonly batch: number
  /** Seeds the initial weights. */
  readonly seed: number
  readonly optimizer: OptimizerSpec
  /** Where it runs. `auto` takes the GPU when a probe step agrees with the CPU. Default 'cpu'. */
  readonly device?: 'cpu' | 'gpu' | 'auto'
  /** Threads of the engine inside one step. Default: all cores. */
  readonly threads?: number
}

/** Photos as bytes, `n` rows of height x width x channel, and their classes. */
export interface TrainBatch {
  readonly x: Uint8Array
  readonly y: Int32Array
}

/** What one training step reports. */
export interface StepResult {
  /** Steps done since the weights were new, this one included. */
  readonly step: number
  /** Mean cross-entropy of the batch before the step. */
  readonly loss: number
  /** How many of the batch were right before the step. */
  readonly correct: number
  /** Start and end of the step, milliseconds of the caller's `performance.now()`. */
  readonly start: number
  readonly end: number
}

/** Result of a pass over held-out photos. */
export interface Evaluation {
  readonly n: number
  /** Mean cross-entropy. */
  readonly loss: number
  /** `confusion[actual][predicted]`. */
  readonly confusion: readonly (readonly number[])[]
  /** Probability of each class for each photo, row by row, in the order they came. */
  readonly probabilities: Float32Array
}

/** A model that answers. */
export interface Predictor extends AsyncDisposable {
  readonly spec: ModelSpec
  /** Class probabilities, `n * classes` numbers. */
  predict(x: Uint8Array, n: number): Promise<Float32Array>
  evaluate(batches: AsyncIterable<TrainBatch>): Promise<Evaluation>
  /** Waits for the call in flight, then frees the engine. Safe to call twice. */
  dispose(): Promise<void>
}

/** A model that learns. */
export interface Trainer extends Predictor {
  readonly device: { readonly kind: 'cpu' | 'gpu'; readonly name: string; readonly threads: number }
  /**
   * One step of gradient descent. The buffers of `batch` are transferred to the engine's thread: don't use
   * them again. Two calls may be under way; a third should wait for the first.
   */
  trainStep(batch: TrainBatch, options: { readonly lr: number }): Promise<StepResult>
  /** Weights, optimizer state and step as bytes; `restore` of it goes on exactly here. */
  checkpoint(): Promise<Uint8Array>
  restore(checkpoint: Uint8Array): Promise<void>
  /** Writes the model for inference as ONNX, atomically. Extra entries go into the file's metadata. */
  save(
    path: string,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<{ bytes: number; sha256: string }>
}

/** A way to train and run models. */
export interface TrainEngine {
  readonly name: string
  create(spec: ModelSpec): Promise<Trainer>
  /** Opens a file that `save` wrote; the spec and metadata are read from it. */
  load(path: string): Promise<Predictor & { readonly metadata: Readonly<Record<string, string>> }>
}
