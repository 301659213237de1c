import { expect, test } from 'vitest'
import { cutmix, mixup } from '../../src/image/index.ts'
import { betaSample } from '../../src/image/beta.ts'
import { Tensor } from '../../src/index.ts'

/** Pictures of one value each: the label times 10. */
function batch(labels: readonly number[], shape: readonly [number, number, number]) {
  const length = shape[0] * shape[1] * shape[2]
  const data = new Float32Array(labels.length * length)
  labels.forEach((label, i) => data.fill(label * 10, i * length, (i + 1) * length))
  return { images: new Tensor(data, [labels.length, ...shape]), labels: Int32Array.from(labels) }
}

/** A repeatable source of chance. */
function chance(seed: number): () => number {
  let x = seed
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return x / 2 ** 32
  }
}

test('mixup: pictures and labels by the same share, with the picture before', () => {
  const { images, labels } = mixup(batch([0, 1, 2], [2, 2, 3]), chance(1), { classes: 3 })
  expect(images.shape).toEqual([3, 2, 2, 3])
  expect(labels.shape).toEqual([3, 3])
  for (let i = 0; i < 3; i++) {
    const own = labels.data[i * 3 + i] ?? 0
    const before = (i + 2) % 3
    expect(labels.data[i * 3 + before]).toBeCloseTo(1 - own, 6)
    const pixels = images.data.subarray(i * 12, i * 12 + 12)
    for (const pixel of pixels) expect(pixel).toBeCloseTo(10 * (i * own + before * (1 - own)), 4)
  }
})

test.each(['HWC', 'CHW'] as const)('cutmix: labels count the pixels of each, %s', (layout) => {
  const shape = layout === 'HWC' ? ([8, 6, 3] as const) : ([3, 8, 6] as const)
  for (let seed = 0; seed < 30; seed++) {
    const input = batch([0, 1, 2, 3], shape)
    const { images, labels } = cutmix(input, chance(seed), { classes: 4, layout })
    for (let i = 0; i < 4; i++) {
      const pixels = [...images.data.subarray(i * 144, i * 144 + 144)]
      const own = pixels.filter((pixel) => pixel === i * 10).length / 144
      const before = (i + 3) % 4
      expect(pixels.every((pixel) => pixel === i * 10 || pixel === before * 10)).toBe(true)
      expect(labels.data[i * 4 + i]).toBeCloseTo(own, 6)
      expect(labels.data[i * 4 + before]).toBeCloseTo(1 - own, 6)
    }
  }
})

test('mixed labels can be mixed again', () => {
  const once = mixup(batch([0, 1], [2, 2, 1]), chance(3), { classes: 2 })
  const twice = cutmix(once, chance(4))
  for (let i = 0; i < 2; i++) {
    const [a = 0, b = 0] = twice.labels.data.subarray(i * 2, i * 2 + 2)
    expect(a + b).toBeCloseTo(1, 6)
  }
})

test('shares are of the Beta distribution', () => {
  const random = chance(7)
  for (const alpha of [0.1, 0.4, 1, 3]) {
    const samples = Array.from({ length: 20_000 }, () => betaSample(alpha, random))
    const mean = samples.reduce((a, b) => a + b, 0) / samples.length
    const variance = samples.reduce((a, x) => a + (x - mean) ** 2, 0) / samples.length
    expect(mean).toBeCloseTo(0.5, 1)
    expect(variance * 4 * (2 * alpha + 1)).toBeCloseTo(1, 1)
    expect(samples.every((x) => x >= 0 && x <= 1)).toBe(true)
  }
})

test('refuses labels that do not fit', () => {
  const input = batch([0, 5], [1, 1, 1])
  expect(() => mixup(input, chance(1))).toThrow('classes')
  expect(() => mixup(input, chance(1), { classes: 5 })).toThrow('from 0 to 4, not 5')
  expect(() => mixup({ ...input, labels: Int32Array.of(1) }, chance(1))).toThrow('2 labels, not 1')
  expect(() => mixup(input, chance(1), { classes: 6, alpha: 0 })).toThrow('alpha')
})
