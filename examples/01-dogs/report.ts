import { metricsOf } from 'millstream/ml'
import {
  confusionTable,
  duration,
  escapeHtml,
  lineChart,
  page,
  timeline,
  type Fact,
  type Section,
} from 'millstream/ui'
import { gridCss, photoGrids } from './grid.ts'
import type { Outcome } from './job.ts'
import { gateOf, ratios } from './summary.ts'
import type { Round } from './training.ts'

/** The report of a run: one HTML page that needs nothing else. */
export async function reportPage(outcome: Outcome): Promise<string> {
  return page({
    title: titleOf(outcome),
    lead: sentence(gateOf(outcome)),
    facts: facts(outcome),
    sections: [
      learning(outcome),
      answers(outcome),
      await examples(outcome),
      pipelinePicture(outcome),
      ...rounds(outcome),
      dropped(outcome),
      setup(outcome),
    ],
    css: gridCss,
  })
}

function titleOf({ classes, options }: Outcome): string {
  if (options.data === undefined) return 'Dog or not: 10,000 photos'
  return classes.length <= 4
    ? `Photos of ${classes.join(', ')}`
    : `Photos of ${classes.length} classes`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function facts(outcome: Outcome): Fact[] {
  const { test, options, best, photos, accepted } = outcome
  const { accuracy, errorRate } = metricsOf(test.confusion)
  const { faster, overMax } = ratios(outcome)
  return [
    { label: 'test accuracy', value: percent(accuracy), good: accuracy >= options.threshold },
    { label: 'error rate', value: percent(errorRate) },
    {
      label: 'validation accuracy',
      value: percent(best.accuracy),
      good: best.accuracy >= options.threshold,
    },
    { label: 'gate', value: accepted ? 'accepted' : 'missed', good: accepted },
    { label: 'faster by overlapping', value: `${faster.toFixed(2)} ×` },
    { label: 'of max(prepare, train)', value: `${overMax.toFixed(2)} ×` },
    { label: 'photos used', value: photos.good.length.toLocaleString('en') },
    { label: 'photos dropped', value: photos.bad.length.toLocaleString('en') },
    { label: 'time', value: duration(outcome.seconds) },
  ]
}

function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${(100 * share).toFixed(1)} %`
}

function learning({ best, options, rounds: all }: Outcome): Section {
  const { epochs, losses, recipe } = best
  const inEpochs = losses.length / recipe.epochs
  const which = all.length > 1 ? ` of round ${best.number}, which was kept` : ''
  return {
    title: 'Learning',
    note:
      `Loss and accuracy${which}, by epoch. Training figures are those of the batches as they were seen, ` +
      'mirrored and shifted, so they may lie below those of the validation photos.',
    html: `<div class="columns">${lineChart({
      title: 'Loss (cross-entropy)',
      xLabel: 'epoch',
      yMin: 0,
      format: short,
      series: [
        { name: 'each step', points: thinned(losses, inEpochs), faint: true, color: 1 },
        { name: 'training', points: epochs.map((e, i) => [i + 1, e.loss]), color: 1 },
        { name: 'validation', points: epochs.map((e, i) => [i + 1, e.validationLoss]), color: 2 },
      ],
    })}${lineChart({
      title: 'Accuracy',
      xLabel: 'epoch',
      format: (y) => `${Math.round(100 * y)} %`,
      yMax: 1,
      mark: { y: options.threshold, label: 'threshold' },
      series: [
        { name: 'training', points: epochs.map((e, i) => [i + 1, e.accuracy]), color: 1 },
        {
          name: 'validation',
          points: epochs.map((e, i) => [i + 1, e.validationAccuracy]),
          color: 2,
        },
      ],
    })}</div>`,
  }
}

function short(y: number): string {
  return String(Math.round(100 * y) / 100)
}

/** Losses of single steps jump: means over a few keep the line readable and the page small. */
function thinned(losses: readonly number[], inEpoch: number): [number, number][] {
  const group = Math.max(1, Math.ceil(losses.length / 300))
  const points: [number, number][] = []
  for (let i = 0; i < losses.length; i += group) {
    const some = losses.slice(i, i + group)
    const mean = some.reduce((sum, loss) => sum + loss, 0) / some.length
    points.push([(i + some.length) / inEpoch, mean])
  }
  return points
}

function answers({ test, classes }: Outcome): Section {
  const metrics = metricsOf(test.confusion)
  const rows = classes.map((name, i) => {
    const { support, precision, recall } = metrics.classes[i] ?? {}
    return (
      `<tr><th scope="row">${escapeHtml(name)}</th><td>${support ?? 0}</td>` +
      `<td>${percent(precision)}</td><td>${percent(recall)}</td></tr>`
    )
  })
  return {
    title: 'Answers on held-out photos',
    note: `${metrics.n.toLocaleString('en')} photos that took no part in training nor in any choice.`,
    html: `<div class="columns">${confusionTable({ classes, confusion: test.confusion })}
<div class="scroll"><table>
<thead><tr><th class="text">class</th><th>photos</th><th>precision</th><th>recall</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div></div>`,
  }
}

async function examples(outcome: Outcome): Promise<Section> {
  return {
    title: 'Right and wrong',
    note: 'The surest mistakes, and right answers from the least sure to the surest. The word under a photo is the answer.',
    html: await photoGrids(outcome),
  }
}

function pipelinePicture(outcome: Outcome): Section {
  const { overlap } = outcome
  const { sequential, overlapped, prepareAlone, trainAlone, faster, overMax } = ratios(outcome)
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`
  const span = Math.max(sequential, overlapped)
  const rows = [
    ['one after the other', sequential],
    ['preparation alone (load, augment, batch)', prepareAlone],
    ['training alone, from batches that are ready', trainAlone],
    ['overlapped', overlapped],
  ] as const
  const table = rows.map(
    ([name, ms]) => `<tr><th scope="row">${name}</th><td>${seconds(ms)}</td></tr>`,
  )
  return {
    title: 'The pipeline at work',
    note:
      `The same ${overlap.steps} training steps from the same ${overlap.photos.toLocaleString('en')} files, ` +
      'measured in this run, the quickest of three each. Filled: a lane works; pale: it is idle. ' +
      `The trainer had ${overlap.trainThreads} thread${overlap.trainThreads === 1 ? '' : 's'} here: ` +
      'a core is left to the preparation.',
    html: `${timeline({ ...picture(overlap.sequential), title: `One after the other: ${seconds(sequential)}`, span })}
<br>
${timeline({ ...picture(overlap.overlapped), title: `Overlapped by Millstream: ${seconds(overlapped)}`, span })}
<h3>Measured</h3>
<div class="scroll"><table><tbody>${table.join('')}</tbody></table></div>
<p>Overlapped, the work is done <b>${faster.toFixed(2)} times</b> as fast; it takes
<b>${overMax.toFixed(2)} times</b> what the slower of preparation and training takes alone
(1.00 would be perfect).</p>`,
  }
}

const colours: Readonly<Record<string, number>> = {
  load: 1,
  augment: 2,
  batch: 3,
  train: 4,
}

function picture(way: Outcome['overlap']['sequential']) {
  const lanes = way.lanes.map((lane) => {
    return { ...lane, color: colours[lane.name.split(' ')[0] ?? ''] ?? 6 }
  })
  return { lanes, from: way.start, to: way.end }
}

function rounds({ rounds: all, best, options }: Outcome): Section[] {
  if (all.length < 2) return []
  const row = (round: Round): string => {
    const { number, recipe, accuracy, seconds } = round
    return (
      `<tr><th scope="row">${number}${round === best ? ' (kept)' : ''}</th>` +
      `<td class="text">${escapeHtml(recipe.change)}</td><td>${recipe.lr}</td><td>${recipe.epochs}</td>` +
      `<td>${recipe.weightDecay}</td><td>${percent(accuracy)}</td><td>${duration(seconds)}</td></tr>`
    )
  }
  return [
    {
      title: 'Rounds',
      note: `Trained again with other parameters while the validation photos were below ${percent(options.threshold)}.`,
      html: `<div class="scroll"><table><thead><tr><th class="text">round</th><th class="text">parameters</th>
<th>learning rate</th><th>epochs</th><th>weight decay</th><th>validation</th><th>time</th></tr></thead>
<tbody>${all.map(row).join('')}</tbody></table></div>`,
    },
  ]
}

function dropped({ photos: { bad } }: Outcome): Section {
  const rows = bad.map(
    ({ file, reason }) =>
      `<tr><td class="text">${escapeHtml(file.name)}</td><td class="text">${escapeHtml(reason)}</td></tr>`,
  )
  const table = `<div class="scroll"><table><thead><tr><th class="text">file</th><th class="text">reason</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`
  const long = bad.length > 12
  return {
    title: 'Dropped photos',
    note:
      bad.length === 0
        ? 'None: every file could be read and decoded.'
        : `${bad.length.toLocaleString('en')} files could not be used; the rest was.`,
    html:
      bad.length === 0
        ? ''
        : long
          ? `<details><summary>All of them</summary>${table}</details>`
          : table,
  }
}

function setup(outcome: Outcome): Section {
  const { options, spec, best, photos } = outcome
  const { device } = best.trainer
  const count = (part: string): number => photos.good.filter((file) => file.part === part).length
  const layers = spec.layers.map((layer) =>
    layer.op === 'conv'
      ? `conv ${layer.filters}`
      : layer.op === 'dense'
        ? `dense ${layer.units}`
        : layer.op,
  )
  const rows: [string, string][] = [
    [
      'Photos',
      `${count('train')} to train, ${count('validation')} to judge rounds, ${count('test')} for the test`,
    ],
    ['Size', `${options.size} × ${options.size} pixels, decoded in ${duration(photos.seconds)}`],
    ['Network', layers.join(' → ')],
    [
      'Optimizer',
      `SGD with Nesterov momentum, peak rate ${best.recipe.lr}, weight decay ${best.recipe.weightDecay}`,
    ],
    [
      'Steps',
      `${best.losses.length} of ${spec.batch} photos in ${best.recipe.epochs} epochs, ${duration(best.seconds)}`,
    ],
    ['Waiting for photos', `${percent(best.waited / (1_000 * best.seconds))} of the training time`],
    [
      'Device',
      `${device.name}, ${device.threads} thread${device.threads === 1 ? '' : 's'}, Node ${process.versions.node}`,
    ],
    ['Seed', String(options.seed)],
  ]
  const html = rows.map(
    ([name, text]) =>
      `<tr><th scope="row">${name}</th><td class="text">${escapeHtml(text)}</td></tr>`,
  )
  return {
    title: 'How it was made',
    html: `<div class="scroll"><table><tbody>${html.join('')}</tbody></table></div>`,
  }
}
