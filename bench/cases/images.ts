/**
 * Files of 480 x 480 pixels to batches of 32 x 224 x 224 floats: images a second, on one core and on two. Beside sharp's own
 * threads, and a PyTorch DataLoader and tf.data where an interpreter that has them is named by MILLSTREAM_TORCH_PYTHON and
 * MILLSTREAM_TF_PYTHON. Each subject has a process of its own, the clock starts at its ninth batch, and its first 64 images are
 * compared with Pillow's bytes, which `exact` gives.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeImage, imagenet } from 'millstream/image'
import { type Benchmark, CheckMismatch, type Options, type Row, rowOf } from '../harness.ts'
import { makeFiles } from './images-files.ts'
import { batchSize, prepared, side } from './images-stages.ts'

interface Subject {
  readonly name: string
  /** What the process is asked for. */
  readonly id: string
  /** The variable that names its interpreter; Node without. */
  readonly python?: string
  /** Levels that its pixels may be off on average. */
  readonly tolerance: number
  /** Processes on one core; two on two. */
  readonly alone: number
}

const torch = 'MILLSTREAM_TORCH_PYTHON'
const subjects: readonly Subject[] = [
  { name: 'millstream', id: 'fast', tolerance: 1, alone: 1 },
  { name: 'millstream, exact', id: 'exact', tolerance: 0, alone: 1 },
  { name: 'sharp', id: 'sharp', tolerance: 0.5, alone: 1 },
  // A worker beside the main process costs more than it brings where there is one core.
  { name: 'DataLoader, Pillow', id: 'pillow', python: torch, tolerance: 0.01, alone: 0 },
  { name: 'DataLoader, Pillow draft', id: 'draft', python: torch, tolerance: 3, alone: 0 },
  { name: 'DataLoader, torchvision', id: 'torchvision', python: torch, tolerance: 0.3, alone: 0 },
  { name: 'tf.data', id: 'tensorflow', python: 'MILLSTREAM_TF_PYTHON', tolerance: 1.5, alone: 1 },
]

const rounds = 3

export const images: Benchmark = {
  summary: 'JPEG files to batches of floats, beside sharp, PyTorch’s DataLoader and tf.data',
  needsPeers: false,
  run: async (options) => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-images-'))
    try {
      const count = options.quick ? 96 : Number(process.env['MILLSTREAM_BENCH_IMAGES'] ?? 2000)
      await makeFiles(join(folder, 'files'), count)
      return await measure(folder, options)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

async function measure(folder: string, { quick, log }: Options): Promise<Row[]> {
  const expected = await firstImages(join(folder, 'files'))
  const rows = new Rows()
  for (let round = 0; round < (quick ? 1 : rounds); round++) {
    for (const cores of [1, 2]) {
      for (const subject of present(subjects, round === 0 && cores === 1 ? log : undefined)) {
        const { images: count, batches, rate, cpu } = runProcess(subject, cores, folder)
        const off = difference(expected, join(folder, 'sample'))
        log(`${subject.name}, ${cores}: ${Math.round(rate)} images/s, ${off.toFixed(3)} levels off`)
        if (!(off <= subject.tolerance)) {
          throw new CheckMismatch(`${subject.name} is ${off} levels from Pillow's pixels`)
        }
        const what = { subject: subject.name, check: `${count} images in ${batches} batches` }
        rows.add({ ...what, case: cores === 1 ? '1 core' : '2 cores', unit: 'images/s' }, rate)
        // Workers of a DataLoader are processes of their own, which its process time leaves out; on one core it has none.
        if (cores === 1) rows.add({ ...what, case: '1 core, CPU', unit: 'ms/image' }, cpu)
      }
    }
  }
  return rows.all()
}

type What = Pick<Row, 'case' | 'subject' | 'unit' | 'check'>

/** Figures of several rounds, by case and subject. */
class Rows {
  readonly #known = new Map<string, { readonly what: What; readonly figures: number[] }>()

  add(what: What, figure: number): void {
    const key = `${what.case}: ${what.subject}`
    const known = this.#known.get(key) ?? { what, figures: [] }
    known.figures.push(figure)
    this.#known.set(key, known)
  }

  all(): Row[] {
    const rows = [...this.#known.values()].map(({ what, figures }) => rowOf(what, figures))
    return rows.toSorted((a, b) => a.case.localeCompare(b.case))
  }
}

function present(
  all: readonly Subject[],
  log: ((line: string) => void) | undefined,
): readonly Subject[] {
  return all.filter(({ name, python }) => {
    if (python === undefined || process.env[python] !== undefined) return true
    log?.(`SKIPPED ${name}: ${python} names no Python that has it`)
    return false
  })
}

interface Measured {
  readonly images: number
  readonly batches: number
  readonly rate: number
  /** Milliseconds of the processor an image. */
  readonly cpu: number
}

/** One pass of a subject over the files, on so many cores where Linux can hold it to them. */
function runProcess({ id, name, python, alone }: Subject, cores: number, folder: string): Measured {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const script = python === undefined ? 'images-process.ts' : 'images_peers.py'
  const node = [process.execPath, '--import', 'tsx']
  const runner = python === undefined ? node : [process.env[python] ?? 'python3']
  const workers = String(cores === 1 ? alone : cores)
  const own = [id, workers, join(folder, 'files'), join(folder, 'sample')]
  const pinned = process.platform === 'linux' ? ['taskset', '-c', cores === 1 ? '0' : '0,1'] : []
  const [command = '', ...args] = [...pinned, ...runner, join(here, script), ...own]
  const env = { ...process.env, UV_THREADPOOL_SIZE: String(2 * cores), TF_CPP_MIN_LOG_LEVEL: '2' }
  const { stdout, stderr, status } = spawnSync(command, args, { env, encoding: 'utf8' })
  const last = stdout.trim().split('\n').at(-1) ?? ''
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr.slice(-2000)}`)
  return JSON.parse(last) as Measured
}

/** The first images as Pillow's bytes, in levels. */
async function firstImages(folder: string): Promise<Float32Array> {
  const names = readdirSync(folder)
    .sort()
    .slice(0, 2 * batchSize)
  const out = new Float32Array(names.length * side * side * 3)
  for (const [index, name] of names.entries()) {
    const { data } = prepared(await decodeImage(join(folder, name), { size: side }), index)
    out.set(data, index * data.length)
  }
  return out
}

/** Levels that a sample is off on average. */
function difference(expected: Float32Array, path: string): number {
  const bytes = Uint8Array.from(readFileSync(path))
  const got = new Float32Array(bytes.buffer)
  const { std } = imagenet
  const levels = (i: number): number => 255 * (typeof std === 'number' ? std : (std[i % 3] ?? 1))
  if (got.length !== expected.length) return Number.NaN
  return (
    got.reduce((sum, x, i) => sum + Math.abs(x - (expected[i] ?? 0)) * levels(i), 0) / got.length
  )
}
