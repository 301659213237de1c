/** A pass over held-out photos, for any engine that predicts. */

import { InvalidArgumentError } from '../errors/index.ts'
import type { Evaluation, Predictor, TrainBatch } from './trainer.ts'

/** Probabilities below this count as this much, so that one sure mistake does not make the loss infinite. */
const LEAST = 1e-12

/**
 * Predicts every batch and compares. Batches may have any size.
 *
 * @throws InvalidArgumentError when there is no photo, or a class that the model does not have.
 */
export async function evaluateWith(
  model: Pick<Predictor, 'spec' | 'predict'>,
  batches: AsyncIterable<TrainBatch>,
): Promise<Evaluation> {
  const classes = model.spec.classes.length
  const confusion = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0))
  const parts: Float32Array[] = []
  let n = 0
  let loss = 0
  for await (const { x, y } of batches) {
    const part = await model.predict(x, y.length)
    parts.push(part)
    for (const [i, actual] of y.entries()) {
      const row = part.subarray(i * classes, (i + 1) * classes)
      const counts = confusion[actual]
      if (counts === undefined)
        throw new InvalidArgumentError(`y has class ${actual}; classes are 0 to ${classes - 1}.`)
      const predicted = row.reduce((best, value, k) => (value > (row[best] ?? 0) ? k : best), 0)
      counts[predicted] = (counts[predicted] ?? 0) + 1
      loss -= Math.log(Math.max(row[actual] ?? 0, LEAST))
    }
    n += y.length
  }
  if (n === 0) throw new InvalidArgumentError('There are no photos to evaluate.')
  const probabilities = new Float32Array(n * classes)
  let at = 0
  for (const part of parts) {
    probabilities.set(part, at)
    at += part.length
  }
  return { n, loss: loss / n, confusion, probabilities }
}
