/** What a confusion matrix says, as plain numbers. */

import { InvalidArgumentError } from '../errors/index.ts'

/** Figures of one class; those that would divide by zero are undefined. */
export interface ClassMetrics {
  /** Photos that are of this class. */
  readonly support: number
  /** Of those called this class, how many are. Undefined when none was called so. */
  readonly precision: number | undefined
  /** Of those that are this class, how many were called so. Undefined when there is none. */
  readonly recall: number | undefined
  /** Harmonic mean of the two. Undefined when the class neither occurs nor was named. */
  readonly f1: number | undefined
}

export interface Metrics {
  readonly n: number
  readonly accuracy: number
  /** 1 - accuracy. */
  readonly errorRate: number
  /** Mean recall of the classes that occur. */
  readonly balancedAccuracy: number
  /** In the order of the classes. */
  readonly classes: readonly ClassMetrics[]
}

/**
 * Metrics of `confusion[actual][predicted]`.
 *
 * @throws InvalidArgumentError when the matrix is not square or holds no photo.
 */
export function metricsOf(confusion: readonly (readonly number[])[]): Metrics {
  const size = confusion.length
  if (confusion.some((row) => row.length !== size))
    throw new InvalidArgumentError('A confusion matrix has as many columns as rows.')
  const classes = confusion.map((row, k) => {
    const hit = row[k] ?? 0
    const support = total(row)
    const named = total(confusion.map((other) => other[k] ?? 0))
    return {
      support,
      precision: ratio(hit, named),
      recall: ratio(hit, support),
      f1: ratio(2 * hit, support + named),
    }
  })
  const n = total(classes.map(({ support }) => support))
  if (n === 0) throw new InvalidArgumentError('The confusion matrix is empty.')
  const accuracy = total(confusion.map((row, k) => row[k] ?? 0)) / n
  const recalls = classes.flatMap(({ recall }) => (recall === undefined ? [] : [recall]))
  return {
    n,
    accuracy,
    errorRate: 1 - accuracy,
    balancedAccuracy: total(recalls) / recalls.length,
    classes,
  }
}

function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
