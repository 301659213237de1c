import { join } from 'node:path'
import { DataError, UsageError } from 'millstream'
import { metricsOf, onnxEngine, type Evaluation, type ModelSpec } from 'millstream/ml'
import { dogPhotos } from './cifar/unpack.ts'
import { diskError, makeFolder, writeWhole } from './files.ts'
import type { Options } from './options.ts'
import { measureOverlap, stepsToMeasure, type Overlap } from './overlap.ts'
import { listPhotos, tooFew, type Part } from './photos.ts'
import { clean, judgedBatches, trainBatches, type CleanPhotos } from './pipeline.ts'
import { batchFor, epochsFor, modelSpec, optimizerOf, recipeOf } from './recipe.ts'
import { reportPage } from './report.ts'
import type { Pixels } from './stages.ts'
import { colourStatistics } from './statistics.ts'
import { trainRound, type Round } from './training.ts'

/** All that the summary and the report tell. */
export interface Outcome {
  readonly options: Options
  readonly classes: readonly string[]
  readonly photos: CleanPhotos
  /** Every round that was run; `best` is one of them. */
  readonly rounds: readonly Round[]
  readonly best: Round
  /** The best round's answers for the test photos. */
  readonly test: Evaluation
  readonly testPhotos: readonly Pixels[]
  readonly overlap: Overlap
  /** True when both validation and test reached the threshold. */
  readonly accepted: boolean
  readonly spec: ModelSpec
  readonly model: string
  readonly report: string
  /** Seconds since the photos were there. */
  readonly seconds: number
}

const judgeBatch = 250

/**
 * The whole job: photos in, a judged model and a report out.
 *
 * @throws DataError, UsageError and what else of Millstream's errors has a way out to tell.
 */
export async function runJob(options: Options, signal: AbortSignal): Promise<Outcome> {
  await makeFolder(options.out)
  const folder = options.data ?? (await dogPhotos(options.cache, signal))
  const start = performance.now()
  const { classes, files } = await listPhotos(folder, options.seed)
  const photos = await clean(files, options.size, signal)
  checkUsable(folder, classes, photos)
  const spec = await firstSpec(options, classes, photos, signal)
  const rounds = await runRounds(options, spec, photos, signal)
  const best = rounds.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
  try {
    const judged = judgedBatches(photos.photos, 'test', judgeBatch)
    const test = await best.trainer.evaluate(judged.iterate({ signal }))
    const overlap = await measure(options, spec, photos, best, signal)
    const reached = Math.min(best.accuracy, metricsOf(test.confusion).accuracy)
    const outcome: Outcome = {
      options,
      classes,
      photos,
      rounds,
      best,
      test,
      testPhotos: await photos.photos.filter(({ file }) => file.part === 'test').toArray(),
      overlap,
      accepted: reached >= options.threshold,
      spec,
      model: join(options.out, 'model.onnx'),
      report: join(options.out, 'report.html'),
      seconds: (performance.now() - start) / 1_000,
    }
    await save(outcome)
    return outcome
  } finally {
    await best.trainer.dispose()
  }
}

function checkUsable(folder: string, classes: readonly string[], photos: CleanPhotos): void {
  const { good, bad } = photos
  const examples = bad.slice(0, 3).map(({ file, reason }) => `\n  ${file.name}: ${reason}`)
  if (good.length < 10) throw tooFew(folder, good.length, examples.join(''))
  for (const [label, name] of classes.entries()) {
    if (!good.some((file) => file.label === label && file.part === 'train')) {
      throw new DataError(`No photo of class '${name}' is left to train on.${examples.join('')}`)
    }
  }
  for (const part of ['validation', 'test'] as const) {
    if (countOf(photos, part) === 0) {
      throw new DataError(`No photo is left for the ${part}: add photos.${examples.join('')}`)
    }
  }
}

function countOf({ good }: CleanPhotos, part: Part): number {
  return good.filter((file) => file.part === part).length
}

async function firstSpec(
  options: Options,
  classes: readonly string[],
  photos: CleanPhotos,
  signal: AbortSignal,
): Promise<ModelSpec> {
  const count = countOf(photos, 'train')
  const batch = options.batch ?? batchFor(count)
  if (batch > count) {
    throw new UsageError(`--batch ${batch} is more than the ${count} photos there are to train on`)
  }
  const { size, seed, threads } = options
  const colours = await colourStatistics(photos.photos, signal)
  return modelSpec({
    size,
    classes,
    batch,
    seed,
    threads,
    optimizer: optimizerOf(recipeOf(0, 1)),
    ...colours,
  })
}

/** Rounds until one is good enough on the validation photos; only the best keeps its trainer. */
async function runRounds(
  options: Options,
  spec: ModelSpec,
  photos: CleanPhotos,
  signal: AbortSignal,
): Promise<Round[]> {
  const { batch } = spec
  const count = countOf(photos, 'train')
  const stepsInEpoch = Math.floor(count / batch)
  const epochs = options.epochs ?? epochsFor(stepsInEpoch)
  const rounds: Round[] = []
  let best: Round | undefined
  try {
    for (let number = 1; number <= options.rounds; number++) {
      const recipe = recipeOf(number - 1, epochs)
      process.stderr.write(
        `round ${number} of up to ${options.rounds}: ${recipe.change} (learning rate ${recipe.lr}, ` +
          `${recipe.epochs} epochs, weight decay ${recipe.weightDecay}, batch ${batch})\n`,
      )
      const round = await trainRound({
        number,
        recipe,
        engine: onnxEngine,
        spec: { ...spec, optimizer: optimizerOf(recipe) },
        train: trainBatches(photos.photos, { size: options.size, batch, count }),
        validation: judgedBatches(photos.photos, 'validation', judgeBatch),
        stepsInEpoch,
        seed: options.seed,
        signal,
      })
      rounds.push(round)
      const worse = best !== undefined && best.accuracy >= round.accuracy ? round : best
      if (worse !== round) best = round
      await worse?.trainer.dispose()
      if (round.accuracy >= options.threshold) break
    }
    return rounds
  } catch (error) {
    await best?.trainer.dispose()
    throw error
  }
}

async function measure(
  options: Options,
  spec: ModelSpec,
  photos: CleanPhotos,
  best: Round,
  signal: AbortSignal,
): Promise<Overlap> {
  const stepMs = (1_000 * best.seconds) / best.losses.length
  const decodeMs = (1_000 * photos.seconds) / photos.good.length
  return measureOverlap({
    files: photos.good.filter((file) => file.part === 'train'),
    size: options.size,
    engine: onnxEngine,
    // Preparation needs a core of its own; kept photos need none, so training itself has all.
    spec: { ...spec, threads: Math.max(1, options.threads - 1) },
    // Measuring should not take longer than a small job itself.
    steps: Math.min(stepsToMeasure(stepMs, decodeMs, spec.batch), Math.max(8, best.losses.length)),
    seed: options.seed,
    signal,
  })
}

async function save(outcome: Outcome): Promise<void> {
  const { best, model, report, options, test } = outcome
  const preprocessing = {
    colours: 'RGB, 0..255, upright by EXIF, transparency on white',
    resize: { width: options.size, height: options.size, fit: 'cover', crop: 'middle' },
    layout: 'uint8, photo x row x column x colour',
    normalization: 'in the model',
  }
  try {
    await best.trainer.save(model, {
      preprocessing: JSON.stringify(preprocessing),
      testAccuracy: metricsOf(test.confusion).accuracy.toFixed(4),
    })
  } catch (error) {
    throw diskError(model, error)
  }
  await writeWhole(report, await reportPage(outcome))
}
