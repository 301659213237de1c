/** Training at the end of a pipeline: the trainer's interface, the engine, metrics, learning rates. */

export type {
  Evaluation,
  LayerSpec,
  ModelSpec,
  OptimizerSpec,
  Predictor,
  StepResult,
  TrainBatch,
  TrainEngine,
  Trainer,
} from './trainer.ts'
export { onnxEngine } from './onnx/engine.ts'
export { evaluateWith } from './evaluate.ts'
export { metricsOf } from './metrics.ts'
export type { ClassMetrics, Metrics } from './metrics.ts'
export { warmupDecay } from './schedule.ts'
export type { WarmupDecay } from './schedule.ts'
