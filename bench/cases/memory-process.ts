/** One subject in a process of its own, for `memory`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Dataset, Tensor } from 'millstream'

export interface Job {
  readonly subject: 'millstream' | 'plain loop'
  readonly elements: number
  readonly elementBytes: number
  readonly shuffled: number
  readonly batched: number
  /** Above 0: so many passes instead of one, and how much memory each leaves behind. */
  readonly epochs: number
}

export interface Outcome {
  readonly base: number
  readonly peak: number
  /** Bytes an epoch. */
  readonly slope: number
  readonly check: string
}

const job = JSON.parse(process.argv[2] ?? '{}') as Job

function element(i: number): Uint8Array {
  return new Uint8Array(job.elementBytes).fill(i)
}

const invert = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => 255 - byte)

let peak = 0
let rows = 0
let sum = 0

/** A reader that is slower than the pipeline. */
async function read(batch: Tensor<Uint8Array>): Promise<void> {
  const [count] = batch.shape
  rows += count
  for (let k = 0; k < count; k++) sum += batch.data[k * job.elementBytes] ?? 0
  peak = Math.max(peak, process.memoryUsage().rss)
  await sleep(2)
}

function pipeline(): Dataset<Tensor<Uint8Array>> {
  return Dataset.range(job.elements)
    .map(element)
    .shuffle(job.shuffled)
    .map(invert)
    .batch(job.batched)
    .prefetch(2)
}

async function millstream(): Promise<void> {
  for await (const batch of pipeline()) await read(batch)
}

/** The same buffers by hand: no overlap, nothing ahead. */
async function plainLoop(): Promise<void> {
  const held: Uint8Array[] = []
  let batch: Uint8Array[] = []
  const next = async (x: Uint8Array): Promise<void> => {
    if (batch.push(invert(x)) < job.batched) return
    await read(stack(batch))
    batch = []
  }
  for (let i = 0; i < job.elements; i++) {
    const x = element(i)
    if (held.length < job.shuffled) held.push(x)
    else {
      const slot = (i * 7919) % job.shuffled
      const out = held[slot]
      held[slot] = x
      if (out !== undefined) await next(out)
    }
  }
  for (const x of held) await next(x)
  if (batch.length > 0) await read(stack(batch))
}

function stack(batch: readonly Uint8Array[]): Tensor<Uint8Array> {
  const data = new Uint8Array(batch.length * job.elementBytes)
  batch.forEach((x, k) => data.set(x, k * job.elementBytes))
  return new Tensor(data, [batch.length, job.elementBytes])
}

/** What is alive after a collection, typed arrays included. */
function alive(): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Least squares over the later half: at first, code is compiled and buffers grow. */
async function slopeOf(epochs: number): Promise<number> {
  const ds = pipeline()
  const points: number[] = []
  for (let epoch = 0; epoch < epochs; epoch++) {
    for await (const batch of ds) sum += batch.data[0] ?? 0
    points.push(alive())
  }
  const late = points.slice(epochs / 2)
  const middle = (late.length - 1) / 2
  const mean = late.reduce((a, b) => a + b, 0) / late.length
  let above = 0
  let below = 0
  late.forEach((y, x) => {
    above += (x - middle) * (y - mean)
    below += (x - middle) ** 2
  })
  return above / below
}

globalThis.gc?.()
const base = process.memoryUsage().rss
const slope = job.epochs > 0 ? await slopeOf(job.epochs) : 0
if (job.epochs === 0) await (job.subject === 'millstream' ? millstream() : plainLoop())
process.send?.({ base, peak, slope, check: `${rows} rows, sum ${sum}` } satisfies Outcome)
