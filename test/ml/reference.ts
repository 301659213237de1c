/** The layers once more, as plainly as they can be written, in float64: what the graphs are checked against. */

export interface Array64 {
  readonly data: Float64Array
  readonly shape: readonly number[]
}

export interface Options {
  readonly size?: readonly [number, number]
  readonly stride?: readonly [number, number]
  readonly padding?: readonly [number, number]
  readonly dilation?: readonly [number, number]
  readonly groups?: number
  readonly countPadding?: boolean
}

export function array(shape: readonly number[], fill: (i: number) => number): Array64 {
  const size = shape.reduce((product, dim) => product * dim, 1)
  return { data: Float64Array.from({ length: size }, (_, i) => fill(i)), shape }
}

type Four = readonly [number, number, number, number]

function read({ data, shape }: Array64, n: number, c: number, y: number, x: number): number {
  const [, channels, height, width] = shape as Four
  if (y < 0 || x < 0 || y >= height || x >= width) return Number.NaN
  return data[((n * channels + c) * height + y) * width + x] ?? Number.NaN
}

/** Calls `at` for every output position, with a function that lists what its window sees. */
function windows(
  input: Array64,
  channels: number,
  size: readonly [number, number],
  options: Options,
  at: (n: number, c: number, see: (channel: number) => number[]) => number,
): Array64 {
  const [n, , height, width] = input.shape as Four
  const [[sy, sx], [py, px], [dy, dx]] = [
    options.stride ?? [1, 1],
    options.padding ?? [0, 0],
    options.dilation ?? [1, 1],
  ]
  const rows = Math.floor((height + 2 * py - dy * (size[0] - 1) - 1) / sy) + 1
  const columns = Math.floor((width + 2 * px - dx * (size[1] - 1) - 1) / sx) + 1
  return array([n, channels, rows, columns], (i) => {
    const column = i % columns
    const row = Math.floor(i / columns) % rows
    const channel = Math.floor(i / columns / rows) % channels
    const picture = Math.floor(i / columns / rows / channels)
    return at(picture, channel, (from) =>
      Array.from({ length: size[0] * size[1] }, (_, k) => {
        const ky = Math.floor(k / size[1])
        const y = row * sy - py + ky * dy
        const x = column * sx - px + (k % size[1]) * dx
        return read(input, picture, from, y, x)
      }),
    )
  })
}

export function conv(x: Array64, w: Array64, b: Array64 | undefined, options: Options): Array64 {
  const [out, inner, kh, kw] = w.shape as Four
  const perGroup = out / (options.groups ?? 1)
  return windows(x, out, [kh, kw], options, (_, o, see) => {
    let sum = b?.data[o] ?? 0
    for (let c = 0; c < inner; c++) {
      const seen = see(Math.floor(o / perGroup) * inner + c)
      for (const [k, value] of seen.entries())
        if (!Number.isNaN(value)) sum += value * (w.data[(o * inner + c) * kh * kw + k] ?? 0)
    }
    return sum
  })
}

export function maxPool(x: Array64, options: Options): Array64 {
  const size = options.size ?? [1, 1]
  const filled = { stride: size, ...options }
  return windows(x, x.shape[1] ?? 0, size, filled, (_, c, see) =>
    Math.max(...see(c).filter((value) => !Number.isNaN(value))),
  )
}

export function avgPool(x: Array64, options: Options): Array64 {
  const size = options.size ?? [1, 1]
  const filled = { stride: size, ...options }
  return windows(x, x.shape[1] ?? 0, size, filled, (_, c, see) => {
    const inside = see(c).filter((value) => !Number.isNaN(value))
    const count = (options.countPadding ?? true) ? size[0] * size[1] : inside.length
    return inside.reduce((sum, value) => sum + value, 0) / count
  })
}

export function overMaps(x: Array64, reduce: (values: Float64Array) => number): Array64 {
  const [n, c, h, w] = x.shape as Four
  return array([n, c], (i) => reduce(x.data.subarray(i * h * w, (i + 1) * h * w)))
}

export function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function dense(x: Array64, w: Array64, b: Array64 | undefined): Array64 {
  const [out, inner] = w.shape as readonly [number, number]
  const rows = x.data.length / inner
  return array([...x.shape.slice(0, -1), out], (i) => {
    const row = Math.floor(i / out)
    let sum = b?.data[i % out] ?? 0
    for (let k = 0; k < inner; k++)
      sum += (x.data[row * inner + k] ?? 0) * (w.data[(i % out) * inner + k] ?? 0)
    return rows > row ? sum : 0
  })
}

/** The channel of each element, for [n, c] and [n, c, h, w]. */
function channelOf({ shape }: Array64): (i: number) => number {
  const map = shape.slice(2).reduce((product, dim) => product * dim, 1)
  return (i) => Math.floor(i / map) % (shape[1] ?? 1)
}

export function statistics(x: Array64): { mean: Float64Array; var: Float64Array; count: number } {
  const channels = x.shape[1] ?? 1
  const channel = channelOf(x)
  const count = x.data.length / channels
  const means = new Float64Array(channels)
  const variances = new Float64Array(channels)
  for (const [i, value] of x.data.entries())
    means[channel(i)] = (means[channel(i)] ?? 0) + value / count
  for (const [i, value] of x.data.entries()) {
    const off = value - (means[channel(i)] ?? 0)
    variances[channel(i)] = (variances[channel(i)] ?? 0) + (off * off) / count
  }
  return { mean: means, var: variances, count }
}

export function batchNorm(
  x: Array64,
  w: Array64,
  b: Array64,
  fixed?: { mean: Float64Array; var: Float64Array },
): Array64 {
  const { mean: means, var: variances } = fixed ?? statistics(x)
  const channel = channelOf(x)
  return array(x.shape, (i) => {
    const c = channel(i)
    const unit = ((x.data[i] ?? 0) - (means[c] ?? 0)) / Math.sqrt((variances[c] ?? 0) + 1e-5)
    return unit * (w.data[c] ?? 0) + (b.data[c] ?? 0)
  })
}

export function layerNorm(x: Array64, w: Array64, b: Array64): Array64 {
  const length = x.shape.at(-1) ?? 1
  const rows = { data: x.data, shape: [1, x.data.length / length, length] }
  const ones = array([x.data.length / length], () => 1)
  const unit = batchNorm(
    rows,
    ones,
    array(ones.shape, () => 0),
  )
  return array(x.shape, (i) => {
    const value = (unit.data[i] ?? 0) * (w.data[i % length] ?? 0)
    return value + (b.data[i % length] ?? 0)
  })
}

/** Over axis 1. */
export function softmax(x: Array64): Array64 {
  const map = x.shape.slice(2).reduce((product, dim) => product * dim, 1)
  const channels = x.shape[1] ?? 1
  return array(x.shape, (i) => {
    const start = Math.floor(i / map / channels) * map * channels + (i % map)
    const row = Array.from({ length: channels }, (_, k) => x.data[start + k * map] ?? 0)
    const top = Math.max(...row)
    const total = row.reduce((sum, value) => sum + Math.exp(value - top), 0)
    return Math.exp((x.data[i] ?? 0) - top) / total
  })
}

export function each(x: Array64, apply: (value: number) => number): Array64 {
  return { data: x.data.map(apply), shape: x.shape }
}

/** Mean cross-entropy of rows of logits. */
export function crossEntropy(logits: Array64, classes: readonly number[]): number {
  const p = softmax(logits)
  const width = logits.shape[1] ?? 1
  const logs = classes.map((k, row) => Math.log(p.data[row * width + k] ?? 0))
  return -logs.reduce((sum, value) => sum + value, 0) / classes.length
}

/** Which elements of `x` are tried: all of a small array, else some that lie evenly. */
export function probes(x: Array64, most = 24): number[] {
  const count = Math.min(x.data.length, most)
  return Array.from({ length: count }, (_, k) => Math.floor((k * x.data.length) / count))
}

/** Gradient of a number by the probed elements of `x`, by central differences; `x` is put back. */
export function slopes(x: Array64, measure: () => number, h = 1e-5, most = 24): number[] {
  return probes(x, most).map((i) => {
    const value = x.data[i] ?? 0
    x.data[i] = value + h
    const above = measure()
    x.data[i] = value - h
    const below = measure()
    x.data[i] = value
    return (above - below) / (2 * h)
  })
}
