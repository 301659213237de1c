/** The passes of a resize in WebAssembly's vector instructions: the same bytes as `resampleBytes`, several times as fast. */
import { InvalidArgumentError } from '../errors/index.ts'
import type { Image, Size } from './image.ts'
import { kernelBytes } from './kernel-bytes.ts'
import { columnsFirst, resampleBytes, type ResizePlan } from './resample.ts'
import { packedTaps, type Taps } from './taps.ts'

/** What kernel.wat exports; its comments say what the numbers mean. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void }
  readonly across: (
    from: number,
    fromStride: number,
    to: number,
    toStride: number,
    rows: number,
    width: number,
    channels: number,
    taps: number,
    tapsStride: number,
    mask: number,
  ) => void
  readonly down: (
    from: number,
    fromStride: number,
    to: number,
    bytes: number,
    height: number,
    taps: number,
    tapsStride: number,
  ) => void
  readonly lift: (at: number, bytes: number) => void
}

/** The part of WebAssembly that is used: TypeScript has its types among those of browsers. */
interface Wasm {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

const wasm = (globalThis as { readonly WebAssembly?: Wasm }).WebAssembly
const code = Buffer.from(kernelBytes, 'base64')

/** Whether the kernel can run here: not with `--jitless`, nor on processors without vector instructions. */
export const hasKernel = wasm?.validate(code) ?? false

const pageBytes = 65_536
/** Where the picture lies, behind the mask. */
const start = 64
/** What the kernel reads and writes beyond the end of a row, with something to spare. */
const room = 64
/** More memory than this is given back after use: WebAssembly's own can only grow. */
const mostKept = 64 * 2 ** 20

/** Memory with the kernel in it, used by one picture at a time. */
export class Kernel {
  readonly #exports: Exports

  constructor() {
    this.#exports = instantiate() as Exports
  }

  /** Room for the bytes of a picture, until the next call. */
  input({ width, height, channels }: Size & { readonly channels: number }): Buffer {
    const bytes = width * height * channels
    this.#reserve(start + bytes)
    return Buffer.from(this.#exports.memory.buffer, start, bytes)
  }

  /** Adds 1 to the red and the blue of the `bytes` of RGB that were written to `input`. */
  lift(bytes: number): void {
    this.#exports.lift(start, bytes)
  }

  /** The picture that was written to `input`, resized. */
  resized(image: Size & { readonly channels: number }, { across, down }: ResizePlan): Image {
    const size = {
      width: across?.starts.length ?? image.width,
      height: down?.starts.length ?? image.height,
    }
    let grid: Placed = { ...image, at: start, stride: image.width * image.channels }
    const first = down !== undefined && columnsFirst(image, size)
    if (first) grid = this.#down(grid, down)
    if (across !== undefined) grid = this.#across(grid, across)
    if (!first && down !== undefined) grid = this.#down(grid, down)
    return { ...size, channels: image.channels, data: this.#rows(grid) }
  }

  get isLarge(): boolean {
    return this.#exports.memory.buffer.byteLength > mostKept
  }

  #across(grid: Placed, taps: Taps): Placed {
    const { at, stride, height, channels } = grid
    const rows = Math.ceil(height / 4) * 4
    const width = taps.starts.length
    const toStride = width * channels + 4
    // The last rows are up to three that the picture does not have.
    const place = this.#place(at + rows * stride + room, taps, channels)
    this.#reserve(place.to + rows * toStride + room)
    const { taps: table, tapsStride, mask, to } = place
    this.#exports.across(at, stride, to, toStride, rows, width, channels, table, tapsStride, mask)
    return { width, height, channels, at: to, stride: toStride }
  }

  #down(grid: Placed, taps: Taps): Placed {
    const { at, stride, width, height, channels } = grid
    const place = this.#place(at + (height + 1) * stride + room, taps, 1)
    const bytes = width * channels
    const rows = taps.starts.length
    this.#reserve(place.to + rows * bytes + room)
    this.#exports.down(at, stride, place.to, bytes, rows, place.taps, place.tapsStride)
    return { width, height: rows, channels, at: place.to, stride: bytes }
  }

  /** Lays the taps behind `end`, and says where there is room behind them. */
  #place(end: number, taps: Taps, unit: number) {
    const { table, stride } = packedTaps(taps, unit)
    const at = Math.ceil(end / 16) * 16
    const to = at + Math.ceil(table.byteLength / 16) * 16
    this.#reserve(to)
    new Int32Array(this.#exports.memory.buffer, at, table.length).set(table)
    new Uint8Array(this.#exports.memory.buffer, 0, 16).set(pairOrder(unit))
    return { taps: at, tapsStride: stride, mask: 0, to }
  }

  /** A copy of the rows, without what lies between them. */
  #rows({ at, stride, width, height, channels }: Placed): Uint8Array {
    const memory = new Uint8Array(this.#exports.memory.buffer)
    const bytes = width * channels
    if (stride === bytes) return memory.slice(at, at + height * bytes)
    const out = new Uint8Array(height * bytes)
    for (let y = 0; y < height; y++) {
      out.set(memory.subarray(at + y * stride, at + y * stride + bytes), y * bytes)
    }
    return out
  }

  #reserve(bytes: number): void {
    const { memory } = this.#exports
    const missing = bytes + room - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes))
  }
}

/** A picture in the kernel's memory. */
interface Placed extends Size {
  readonly channels: number
  readonly at: number
  readonly stride: number
}

/** How two pixels become pairs of 16 bits: the places of their bytes; 128 is none, which gives 0. */
function pairOrder(channels: number): Uint8Array {
  const order = new Uint8Array(16).fill(128)
  for (let c = 0; c < channels; c++) {
    order[4 * c] = c
    order[4 * c + 2] = channels + c
  }
  return order
}

let module: object | undefined

function instantiate(): unknown {
  if (wasm === undefined) throw new InvalidArgumentError('there is no WebAssembly here')
  module ??= new wasm.Module(code)
  return new wasm.Instance(module).exports
}

let kernel: Kernel | undefined

/** What `use` does with this thread's kernel. It must not wait: the next picture would be written over this one. */
export function withKernel<T>(use: (kernel: Kernel) => T): T {
  const own = (kernel ??= new Kernel())
  try {
    return use(own)
  } finally {
    if (own.isLarge) kernel = undefined
  }
}

/** Resizes bytes, by the kernel where it can run. */
export function resample(image: Image, plan: ResizePlan): Uint8Array {
  if (!hasKernel) return resampleBytes(image, plan)
  return withKernel((own) => {
    own.input(image).set(image.data)
    return own.resized(image, plan).data
  })
}
