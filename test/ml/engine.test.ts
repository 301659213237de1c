import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  CheckpointMismatchError,
  ClosedError,
  DataError,
  InvalidArgumentError,
  WorkerDiedError,
} from '../../src/errors/index.ts'
import { onnxEngine } from '../../src/ml/index.ts'
import type { ModelSpec, StepResult, TrainBatch, Trainer } from '../../src/ml/index.ts'
import { WorkerHost } from '../../src/ml/onnx/host.ts'
import { photos, spec } from './models.ts'

async function train(trainer: Trainer, seeds: readonly number[]): Promise<StepResult[]> {
  const steps: StepResult[] = []
  for (const seed of seeds)
    steps.push(await trainer.trainStep(photos(spec.batch, seed), { lr: 0.02 }))
  return steps
}

/** Runs with a trainer and disposes of it. */
async function withTrainer<T>(
  use: (trainer: Trainer) => Promise<T>,
  given: ModelSpec = spec,
): Promise<T> {
  const trainer = await onnxEngine.create(given)
  try {
    return await use(trainer)
  } finally {
    await trainer.dispose()
  }
}

async function* batches(...seeds: readonly number[]): AsyncGenerator<TrainBatch> {
  for (const seed of seeds) yield photos(5 + seed, seed)
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millstream-ml-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('training', () => {
  test('learns: the loss falls, held-out photos are right', async () => {
    await withTrainer(async (trainer) => {
      const steps = await train(
        trainer,
        Array.from({ length: 60 }, (_, i) => i),
      )
      expect(steps.map(({ step }) => step)).toEqual(steps.map((_, i) => i + 1))
      const late = steps.slice(-10).reduce((sum, { loss }) => sum + loss, 0) / 10
      expect(late).toBeLessThan(0.5)
      const { n, confusion, probabilities } = await trainer.evaluate(batches(100, 101))
      expect(n).toBe(211)
      expect(probabilities.length).toBe(3 * n)
      const right = confusion.reduce((sum, row, k) => sum + (row[k] ?? 0), 0)
      expect(right / n).toBeGreaterThan(0.8)
    })
  })

  test('times are of the caller’s clock, also with two steps queued', async () => {
    await withTrainer(async (trainer) => {
      const before = performance.now()
      const [first, second] = await Promise.all([
        trainer.trainStep(photos(8, 1), { lr: 0.1 }),
        trainer.trainStep(photos(8, 2), { lr: 0.1 }),
      ])
      // Two threads' clocks agree within a fraction of a millisecond.
      expect(first.start).toBeGreaterThan(before - 1)
      expect(first.end).toBeGreaterThanOrEqual(first.start)
      expect(second.start).toBeGreaterThanOrEqual(first.end)
      expect(second.end).toBeLessThan(performance.now() + 1)
      expect([first.step, second.step]).toEqual([1, 2])
    })
  })

  test('buffers are handed over, but not those shared with other arrays', async () => {
    await withTrainer(async (trainer) => {
      const own = photos(8, 1)
      await trainer.trainStep(own, { lr: 0.1 })
      expect(own.x.length).toBe(0)
      await expect(trainer.trainStep(own, { lr: 0.1 })).rejects.toThrow('given to trainStep before')
      const big = new Uint8Array(own.x.length + 18 * 16 * 3 * 8 + 1)
      const part = { x: big.subarray(1), y: Int32Array.from({ length: 8 }, () => 0) }
      await trainer.trainStep(part, { lr: 0.1 })
      expect(part.x.length).toBe(18 * 16 * 3 * 8)
    })
  })

  test('the same seed gives the same bytes with 1 and 2 threads, another seed others', async () => {
    const after = (given: ModelSpec): Promise<string> =>
      withTrainer(async (trainer) => {
        await train(trainer, [1, 2, 3, 4])
        return createHash('sha256')
          .update(await trainer.checkpoint())
          .digest('hex')
      }, given)
    const one = await after({ ...spec, threads: 1 })
    expect(await after({ ...spec, threads: 2 })).toBe(one)
    expect(await after({ ...spec, seed: 8 })).not.toBe(one)
  })
})

describe('checkpoints', () => {
  test.each([
    ['sgd', spec.optimizer],
    ['adam', { kind: 'adam' } as const],
  ])('%s goes on exactly', async (_, optimizer) => {
    const given: ModelSpec = { ...spec, optimizer }
    const [middle, straight] = await withTrainer(async (trainer) => {
      await train(trainer, [1, 2, 3])
      const saved = await trainer.checkpoint()
      const steps = await train(trainer, [4, 5])
      return [saved, { steps, end: await trainer.checkpoint() }] as const
    }, given)
    await withTrainer(
      async (trainer) => {
        await train(trainer, [9])
        await trainer.restore(middle)
        const steps = await train(trainer, [4, 5])
        expect(steps.map(({ step, loss }) => [step, loss])).toEqual(
          straight.steps.map(({ step, loss }) => [step, loss]),
        )
        expect(await trainer.checkpoint()).toEqual(straight.end)
      },
      { ...given, seed: 99, threads: 2 },
    )
  })

  test('of another model, damaged, or of something else are refused and change nothing', async () => {
    const other = await withTrainer((trainer) => trainer.checkpoint(), {
      ...spec,
      layers: [{ op: 'conv', filters: 4, kernel: 5, bias: false }, ...spec.layers.slice(1)],
    })
    await withTrainer(async (trainer) => {
      const own = await trainer.checkpoint()
      const refused = trainer.restore(other)
      await expect(refused).rejects.toThrow(CheckpointMismatchError)
      await expect(refused).rejects.toThrow('layers.0.kernel is 5 there')
      await expect(trainer.restore(own.subarray(0, -4))).rejects.toThrow(DataError)
      await expect(trainer.restore(new Uint8Array(3))).rejects.toThrow(DataError)
      expect(await trainer.checkpoint()).toEqual(own)
    })
  })
})

describe('saved models', () => {
  test('answer like the trainer, bit for bit, with spec and metadata', async () => {
    const path = join(folder, 'model.onnx')
    const { x } = photos(7, 50)
    const answers = await withTrainer(async (trainer) => {
      await train(trainer, [1, 2])
      const { bytes, sha256 } = await trainer.save(path, { note: 'größer', accuracy: '0.5' })
      const written = await readFile(path)
      expect(written.length).toBe(bytes)
      expect(createHash('sha256').update(written).digest('hex')).toBe(sha256)
      return trainer.predict(x, 7)
    })
    expect(x.length).toBeGreaterThan(0)
    const loaded = await onnxEngine.load(path)
    expect(await loaded.predict(x, 7)).toEqual(answers)
    expect(await loaded.predict(x.subarray(0, 18 * 16 * 3), 1)).toHaveLength(3)
    expect(loaded.spec).toEqual(spec)
    expect(loaded.metadata).toEqual({ note: 'größer', accuracy: '0.5' })
    await loaded.dispose()
    expect(await readdir(folder)).toEqual(['model.onnx'])
  })

  test('each step changes what the trainer answers', async () => {
    await withTrainer(async (trainer) => {
      const { x } = photos(2, 3)
      const before = await trainer.predict(x, 2)
      await train(trainer, [1])
      expect(await trainer.predict(x, 2)).not.toEqual(before)
    })
  })

  test('cannot be written to a missing folder or take our metadata; nothing is left behind', async () => {
    await withTrainer(async (trainer) => {
      await expect(trainer.save(join(folder, 'none', 'm.onnx'))).rejects.toThrow(DataError)
      const taken = trainer.save(join(folder, 'm.onnx'), { 'millstream.spec': '' })
      await expect(taken).rejects.toThrow(InvalidArgumentError)
      expect(await readdir(folder)).not.toContain('m.onnx')
    })
  })

  test('a file that is not ours is refused', async () => {
    const path = join(folder, 'other.onnx')
    await writeFile(path, 'not a model')
    await expect(onnxEngine.load(path)).rejects.toThrow(DataError)
    await writeFile(path, '')
    await expect(onnxEngine.load(path)).rejects.toThrow('save() did not write')
    await expect(onnxEngine.load(join(folder, 'absent.onnx'))).rejects.toThrow('Cannot read')
  })
})

describe('wrong arguments', () => {
  const broken: readonly [string, Partial<ModelSpec>, string][] = [
    [
      'wrong last layer',
      { layers: [{ op: 'globalAvgPool' }, { op: 'dense', units: 4 }] },
      'units: 3',
    ],
    ['dense on a map', { layers: [{ op: 'dense', units: 3 }] }, "{ op: 'flatten' }"],
    ['conv on numbers', { layers: [{ op: 'flatten' }, { op: 'conv', filters: 3 }] }, 'needs a map'],
    ['even kernel', { layers: [{ op: 'conv', filters: 2, kernel: 4 }] }, '1, 3 or 5'],
    [
      'too many pools',
      { layers: spec.layers.map(() => ({ op: 'maxPool' as const })) },
      'too small',
    ],
    ['no filters', { layers: [{ op: 'conv', filters: 0 }] }, 'filters is 0'],
    ['mean of one channel', { input: { ...spec.input, mean: [1] } }, '3 numbers'],
    ['one class', { classes: ['all'] }, '2 classes'],
    ['no batch', { batch: 0 }, 'batch is 0'],
  ]
  test.each(broken)('%s', async (_, part, message) => {
    const created = onnxEngine.create({ ...spec, ...part })
    await expect(created).rejects.toThrow(InvalidArgumentError)
    await expect(created).rejects.toThrow(message)
  })

  test('of a step', async () => {
    await withTrainer(async (trainer) => {
      const { x, y } = photos(8, 1)
      await expect(trainer.trainStep(photos(7, 1), { lr: 1 })).rejects.toThrow(
        '8 photos of 18x16x3',
      )
      await expect(trainer.trainStep({ x, y: y.with(0, 3) }, { lr: 1 })).rejects.toThrow('class 3')
      await expect(trainer.trainStep({ x, y: y.subarray(1) }, { lr: 1 })).rejects.toThrow(
        '8 photos',
      )
      await expect(trainer.trainStep({ x, y }, { lr: Number.NaN })).rejects.toThrow('lr')
      await expect(trainer.evaluate(batches())).rejects.toThrow('no photos')
      expect(await trainer.predict(new Uint8Array(0), 0)).toHaveLength(0)
    })
  })
})

describe('the end', () => {
  test('dispose twice, and by `await using`’s symbol; calls after it are refused', async () => {
    const trainer = await onnxEngine.create(spec)
    await Promise.all([trainer.dispose(), trainer[Symbol.asyncDispose]()])
    await trainer.dispose()
    await expect(trainer.checkpoint()).rejects.toThrow(ClosedError)
  })

  test('dispose waits for the step in flight and refuses those that have not begun', async () => {
    const trainer = await onnxEngine.create(spec)
    const steps = [1, 2, 3, 4, 5].map((seed) => trainer.trainStep(photos(8, seed), { lr: 0.1 }))
    const settled = Promise.allSettled(steps)
    await trainer.dispose()
    for (const step of await settled)
      if (step.status === 'rejected') expect(step.reason).toBeInstanceOf(ClosedError)
  })

  test.each(['dies.js', 'throws.js'])('a thread that ends by itself (%s)', async (name) => {
    const host = new WorkerHost(new URL(`./fixtures/${name}`, import.meta.url))
    const calls = [host.call('checkpoint', null), host.call('checkpoint', null)]
    for (const call of calls) await expect(call).rejects.toThrow(WorkerDiedError)
    await expect(host.call('checkpoint', null)).rejects.toThrow(WorkerDiedError)
    await host.close()
  })
})

test('a GPU is used or the reason for the CPU is told', async () => {
  const tiny: ModelSpec = { ...spec, batch: 2 }
  const chosen = await withTrainer((trainer) => Promise.resolve(trainer.device), {
    ...tiny,
    device: 'auto',
  })
  if (chosen.kind === 'gpu') expect(chosen.name).toContain('WebGPU')
  else expect(chosen.name).toMatch(/no GPU: .|GPU not used: ./)
  const forced = withTrainer(() => Promise.resolve('works'), { ...tiny, device: 'gpu' })
  const outcome = await forced.catch((error: unknown) => error)
  if (outcome !== 'works') expect(outcome).toBeInstanceOf(InvalidArgumentError)
})
