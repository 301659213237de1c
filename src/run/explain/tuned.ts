import { boundsOf, gainOfCore, rateOf } from '../tune/model.ts'
import { factor } from '../tune/text.ts'
import type { Tuner } from '../tune/tuner.ts'
import { count } from './text.ts'

/** What a run set itself, and why. */
export function tunedRows(tuner: Tuner): string[][] {
  const rows = tuner.knobs.map(({ stage, range, value, why }) => [
    stage,
    `${count(value)} ${range.unit}`,
    why,
  ])
  return rows.length === 0 ? [] : [['stage', 'set to', 'why'], ...rows]
}

/** What bounds the pipeline by the model, and what another core would bring. */
export function boundRows(tuner: Tuner): string[][] {
  const { last, cores } = tuner
  if (last === undefined) return []
  const [bound, next] = boundsOf(last, cores)
  if (bound === undefined) return []
  const load = last.loads.find(({ stage }) => stage === bound.stage)
  const what = {
    reader: 'the reader, who takes elements no faster',
    thread: "the pipeline's thread, which has no time left",
    cores: `the ${cores} cores of the budget`,
    ceiling: `what ${bound.stage} uses: more lanes brought nothing`,
    lanes: `${bound.stage}: all of its lanes are at work`,
  }[bound.what]
  const rate = load === undefined ? [] : [`at ${count(Math.round(rateOf(load)))} elements a second`]
  const room =
    next === undefined || next.headroom === Infinity
      ? []
      : [`the next bound is ${factor(next.headroom / bound.headroom)} away`]
  const core = gainOfCore(last, cores)
  return [
    ['bound by', [what, ...rate, ...room].join(', ')],
    ...(core === undefined
      ? []
      : [['one more core', `would make it ${factor(core)} as fast, by the model`]]),
  ]
}
