import { describe, expect, test } from 'vitest'
import { metricsOf, warmupDecay } from '../../src/ml/index.ts'

describe('metrics', () => {
  test('of three classes, one never seen and one never named', () => {
    const metrics = metricsOf([
      [6, 2, 0],
      [1, 1, 0],
      [0, 0, 0],
    ])
    expect(metrics.n).toBe(10)
    expect(metrics.accuracy).toBeCloseTo(0.7)
    expect(metrics.errorRate).toBeCloseTo(0.3)
    expect(metrics.balancedAccuracy).toBeCloseTo((0.75 + 0.5) / 2)
    expect(metrics.classes[0]).toEqual({
      support: 8,
      precision: 6 / 7,
      recall: 0.75,
      f1: 12 / 15,
    })
    expect(metrics.classes[1]).toEqual({ support: 2, precision: 1 / 3, recall: 0.5, f1: 2 / 5 })
    expect(metrics.classes[2]).toEqual({
      support: 0,
      precision: undefined,
      recall: undefined,
      f1: undefined,
    })
  })

  test('a class that is never named has no precision, and F1 0', () => {
    const { classes } = metricsOf([
      [3, 0],
      [2, 0],
    ])
    expect(classes[1]).toEqual({ support: 2, precision: undefined, recall: 0, f1: 0 })
  })

  test('refuses what is not square or empty', () => {
    expect(() => metricsOf([[1, 2]])).toThrow('as many columns as rows')
    expect(() => metricsOf([[0]])).toThrow('empty')
  })
})

describe('warm-up and decay', () => {
  test('rises to the peak and falls towards 0', () => {
    const options = { peak: 0.4, warmupSteps: 4, totalSteps: 8 }
    const rates = Array.from({ length: 10 }, (_, step) => warmupDecay(options, step))
    const expected = [0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1, 0, 0]
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i] ?? 0)
  })

  test('no warm-up starts at the peak; one without an end is refused', () => {
    expect(warmupDecay({ peak: 1, warmupSteps: 0, totalSteps: 5 }, 0)).toBe(1)
    expect(() => warmupDecay({ peak: 1, warmupSteps: 5, totalSteps: 5 }, 0)).toThrow('shorter')
  })
})
