/**
 * What each pixel of a resized row is made of: neighbouring pixels of the row before and their weights. Rules and
 * rounding are those of Pillow (`src/libImaging/Resample.c`), which torchvision and sharp come close to.
 */
import { InvalidArgumentError } from '../errors/index.ts'

/** How a resized picture is interpolated. */
export type ResizeMethod = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos'

/** The pixels of one side of a resized picture. Pixel `i` is a sum over `counts[i]` pixels from `starts[i]` on. */
export interface Taps {
  readonly starts: Int32Array
  readonly counts: Int32Array
  /** Weights of pixel `i` begin at `i * most` and add up to 1. */
  readonly weights: Float64Array
  /** The largest of `counts`. */
  readonly most: number
}

interface Filter {
  /** It is 0 beyond so many pixels. */
  readonly support: number
  readonly weight: (x: number) => number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** Keys' cubic: `a` is -0.5 in Pillow and wherever it is antialiased, -0.75 where torch and OpenCV do not antialias. */
function cubic(a: number): (x: number) => number {
  return (signed) => {
    const x = Math.abs(signed)
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
  }
}

const filters: Readonly<Record<Exclude<ResizeMethod, 'nearest'>, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) => (Math.abs(x) >= 1 ? 0 : sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x))),
  },
  bicubic: { support: 2, weight: cubic(-0.5) },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
}

/** The pixel of a side of `from` that is nearest to each of `to`. */
export function nearestPlaces(from: number, to: number): Int32Array {
  const places = new Int32Array(to)
  const scale = from / to
  // Added up as Pillow does it: where a position is all but whole, the rounding decides.
  let at = scale * 0.5
  for (let i = 0; i < to; i++, at += scale) places[i] = Math.min(from - 1, Math.floor(at))
  return places
}

/** Taps made last: data sets have pictures of few sizes. */
const made = new Map<string, Taps>()
const mostMade = 32

/**
 * The taps that bring a side from `from` to `to` pixels. With `antialias` a filter is widened where pixels get fewer,
 * so that each pixel of the result sees all that it stands for.
 *
 * @throws InvalidArgumentError when there is no such method, or it cannot do without antialiasing.
 */
export function tapsOf(
  from: number,
  to: number,
  method: Exclude<ResizeMethod, 'nearest'>,
  antialias: boolean,
): Taps {
  if (!Object.hasOwn(filters, method)) {
    const known = ['nearest', ...Object.keys(filters)].join(', ')
    throw new InvalidArgumentError(`method is one of ${known}, not ${method}`)
  }
  const key = `${from} ${to} ${method} ${antialias}`
  const known = made.get(key) ?? makeTaps(from, to, method, antialias)
  if (made.size >= mostMade) made.clear()
  made.set(key, known)
  return known
}

function makeTaps(
  from: number,
  to: number,
  method: Exclude<ResizeMethod, 'nearest'>,
  antialias: boolean,
): Taps {
  if (antialias) return filterTaps(from, to, filters[method])
  if (method === 'bilinear') return plainTaps(from, to, filters.bilinear)
  if (method === 'bicubic') return plainTaps(from, to, { support: 2, weight: cubic(-0.75) })
  throw new InvalidArgumentError(`${method} is always antialiased; use bilinear or bicubic without`)
}

function filterTaps(from: number, to: number, { support, weight }: Filter): Taps {
  const scale = from / to
  const widened = Math.max(1, scale)
  const reach = support * widened
  const taps = emptyTaps(to, Math.ceil(reach) * 2 + 1)
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale
    const start = Math.max(0, Math.trunc(center - reach + 0.5))
    const count = Math.min(from, Math.trunc(center + reach + 0.5)) - start
    const own = taps.weights.subarray(i * taps.most, i * taps.most + count)
    for (let k = 0; k < count; k++) own[k] = weight((k + start - center + 0.5) * (1 / widened))
    const sum = own.reduce((a, b) => a + b, 0)
    if (sum !== 0) for (let k = 0; k < count; k++) own[k] = (own[k] as number) / sum
    taps.starts[i] = start
    taps.counts[i] = count
  }
  return taps
}

/** The filter in its own width around each position; what lies outside the row is its last pixel. */
function plainTaps(from: number, to: number, { support, weight }: Filter): Taps {
  const scale = from / to
  const taps = emptyTaps(to, 2 * support)
  for (let i = 0; i < to; i++) {
    const at = (i + 0.5) * scale - 0.5
    const first = Math.floor(at) - support + 1
    const start = Math.min(Math.max(0, first), from - 1)
    const last = Math.min(Math.max(0, first + 2 * support - 1), from - 1)
    for (let k = first; k < first + 2 * support; k++) {
      const place = i * taps.most + Math.min(Math.max(k, start), last) - start
      taps.weights[place] = (taps.weights[place] as number) + weight(k - at)
    }
    taps.starts[i] = start
    taps.counts[i] = last - start + 1
  }
  return taps
}

function emptyTaps(to: number, most: number): Taps {
  return {
    starts: new Int32Array(to),
    counts: new Int32Array(to),
    weights: new Float64Array(to * most),
    most,
  }
}

/** Weights are whole numbers of so many binary digits behind the point where bytes are resized. */
export const weightBits = 22

/** The weights as whole numbers, rounded as Pillow rounds them. */
export function wholeWeights({ weights }: Taps): Int32Array {
  return Int32Array.from(weights, (weight) =>
    Math.trunc(weight * 2 ** weightBits + (weight < 0 ? -0.5 : 0.5)),
  )
}

/** Taps as kernel.wat reads them. */
export interface PackedTaps {
  readonly table: Int32Array
  /** Bytes from one pixel's taps to the next one's. */
  readonly stride: number
}

/** What was packed, by taps and then by unit. */
const packed = new WeakMap<Taps, Map<number, PackedTaps>>()

/** The taps for the kernel; places are counted in `unit`s. */
export function packedTaps(taps: Taps, unit: number): PackedTaps {
  const known = packed.get(taps) ?? new Map<number, PackedTaps>()
  packed.set(taps, known)
  const found = known.get(unit) ?? pack(taps, unit)
  known.set(unit, found)
  return found
}

const lowBits = 14

function pack(taps: Taps, unit: number): PackedTaps {
  const { starts, counts, most } = taps
  const weights = wholeWeights(taps)
  const words = 2 + 2 * Math.ceil(most / 2)
  const table = new Int32Array(starts.length * words)
  const highLow = (weight: number) => [weight >> lowBits, weight & (2 ** lowBits - 1)] as const
  for (let i = 0; i < starts.length; i++) {
    const at = i * words
    const count = counts[i] as number
    table[at] = (starts[i] as number) * unit
    table[at + 1] = Math.ceil(count / 2)
    for (let k = 0; k < count; k += 2) {
      const [highA, lowA] = highLow(weights[i * most + k] as number)
      const [highB, lowB] = highLow(k + 1 < count ? (weights[i * most + k + 1] as number) : 0)
      table[at + 2 + k] = (highA & 0xffff) | (highB << 16)
      table[at + 3 + k] = lowA | (lowB << 16)
    }
  }
  return { table, stride: words * 4 }
}
