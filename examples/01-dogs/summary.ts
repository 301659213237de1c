import { metricsOf } from 'millstream/ml'
import { duration } from 'millstream/ui'
import type { Outcome } from './job.ts'

const listed = 100

/** What the terminal shows at the end; its last line is the accuracy. */
export function summary(outcome: Outcome): string {
  const { test, accepted } = outcome
  const lines = [
    '',
    ...photoLines(outcome),
    ...roundLines(outcome),
    ...testLines(outcome),
    ...pipelineLines(outcome),
    row('model', outcome.model),
    row('report', outcome.report),
    row('time', duration(outcome.seconds)),
    row('gate', gateOf(outcome)),
    ...(accepted ? [] : ['', 'NOT ACCEPTED']),
    `test accuracy ${metricsOf(test.confusion).accuracy.toFixed(4)}`,
  ]
  return lines.join('\n')
}

function row(name: string, text: string): string {
  return `${name.padEnd(10)} ${text}`
}

function photoLines({ photos, classes }: Outcome): string[] {
  const { good, bad } = photos
  const count = (part: string): string =>
    good.filter((file) => file.part === part).length.toLocaleString('en')
  const bads = bad
    .slice(0, listed)
    .map(({ file, reason }) => row('', `dropped ${file.name}: ${reason}`))
  return [
    row(
      'photos',
      `${good.length.toLocaleString('en')} of ${classes.join(', ')}; ${bad.length} dropped`,
    ),
    row(
      '',
      `${count('train')} to train, ${count('validation')} to judge rounds, ${count('test')} held out for the test`,
    ),
    ...bads,
    ...(bad.length > listed
      ? [row('', `... and ${bad.length - listed} more, all in the report`)]
      : []),
  ]
}

function roundLines({ rounds, best }: Outcome): string[] {
  return rounds.map(({ number, accuracy, recipe, seconds, losses }) => {
    const speed = (losses.length / seconds).toFixed(1)
    const mark = number === best.number && rounds.length > 1 ? ' (kept)' : ''
    return row(
      `round ${number}`,
      `validation accuracy ${accuracy.toFixed(4)}${mark}: ${recipe.epochs} epochs in ` +
        `${duration(seconds)}, ${speed} steps/s`,
    )
  })
}

function testLines({ test, classes }: Outcome): string[] {
  const metrics = metricsOf(test.confusion)
  const width = Math.max(...classes.map((name) => name.length), 6)
  const rate = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(4))
  const header = classes.map((name) => name.slice(0, 10).padStart(11)).join('')
  return [
    row(
      'test',
      `${metrics.n.toLocaleString('en')} photos, error rate ${metrics.errorRate.toFixed(4)}`,
    ),
    row('', `${''.padEnd(width)}  precision  recall${header}   <- taken for`),
    ...classes.map((name, i) => {
      const { precision, recall } = metrics.classes[i] ?? {}
      const counts = (test.confusion[i] ?? []).map((n) => String(n).padStart(11)).join('')
      return row(
        '',
        `${name.padEnd(width)}  ${rate(precision).padStart(9)}  ${rate(recall).padStart(6)}${counts}`,
      )
    }),
  ]
}

/** The figures of the measured run. */
export function ratios({ overlap }: Outcome) {
  const sequential = overlap.sequential.end - overlap.sequential.start
  const overlapped = overlap.overlapped.end - overlap.overlapped.start
  const { prepareAlone, trainAlone } = overlap
  return {
    sequential,
    overlapped,
    prepareAlone,
    trainAlone,
    faster: sequential / overlapped,
    overMax: overlapped / Math.max(prepareAlone, trainAlone),
  }
}

function pipelineLines(outcome: Outcome): string[] {
  const { sequential, overlapped, prepareAlone, trainAlone, faster, overMax } = ratios(outcome)
  const s = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`
  const { steps, photos } = outcome.overlap
  return [
    row(
      'pipeline',
      `${steps} steps from ${photos.toLocaleString('en')} files: one after the other ${s(sequential)}, overlapped ${s(overlapped)}: ${faster.toFixed(2)} x faster`,
    ),
    row(
      '',
      `overlapped = ${overMax.toFixed(2)} x max(prepare alone ${s(prepareAlone)}, train alone ${s(trainAlone)})`,
    ),
  ]
}

/** What the two gates said, in a sentence. */
export function gateOf({ options, best, test, accepted, rounds }: Outcome): string {
  const { threshold } = options
  const tested = metricsOf(test.confusion).accuracy
  const judged = `validation ${best.accuracy.toFixed(4)}, held-out test ${tested.toFixed(4)}`
  if (accepted) return `accepted: ${judged}, both at least ${threshold}`
  if (best.accuracy < threshold) {
    return `not accepted: ${judged}; no round of ${rounds.length} reached ${threshold} on validation`
  }
  return `not accepted: ${judged}; the test, on which nothing is chosen, is below ${threshold}`
}
