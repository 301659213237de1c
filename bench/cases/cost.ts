/**
 * What resumability and metrics cost: the library against copies of itself without them. All run in one process, in
 * turn, and that several times over: how code is optimized differs from process to process. The time is that of the
 * processor, waiting for it left out. `without change` is the library again: how far it is from 1 is the noise.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { answerOf, type Benchmark, type Options, type Row, rowOf } from '../harness.ts'
import { makeVariants, variants } from './cost-copies.ts'
import { cases, type Result, type Setting } from './cost-process.ts'

const processes = 9
const quickProcesses = 2

export const cost: Benchmark = {
  summary: 'what resumability and metrics cost: with and without, in the same process',
  needsPeers: false,
  run: async (options) => {
    const { folder, remove } = makeVariants()
    try {
      const rows: Row[] = []
      for (const name of Object.keys(cases)) rows.push(...(await measure(name, folder, options)))
      return rows
    } finally {
      remove()
    }
  },
}

async function measure(name: string, folder: string, { quick, log }: Options): Promise<Row[]> {
  const results: Result[] = []
  const count = quick ? quickProcesses : processes
  for (let k = 0; k < count; k++) {
    log(`${name}, process ${k + 1} of ${count}`)
    results.push(await inProcess({ name, folder, quick }))
  }
  const check = results[0]?.check ?? ''
  const figuresOf = (variant: string): number[] =>
    results.map(({ ns }) => ns[variant] ?? Number.NaN)
  return Object.keys(variants).flatMap((variant) => {
    const figures = figuresOf(variant)
    const what = { case: name, subject: variant, unit: 'CPU ns/element', check }
    if (variant === 'millstream') return [rowOf(what, figures)]
    const ratios = results.map((result) => result.ratios[variant] ?? Number.NaN)
    const ratio = { ...what, case: `${name}, cost`, subject: `with / ${variant}`, unit: 'x' }
    return [rowOf(what, figures), rowOf(ratio, ratios)]
  })
}

function inProcess(setting: Setting): Promise<Result> {
  const path = fileURLToPath(new URL('./cost-process.ts', import.meta.url))
  return answerOf(fork(path, [JSON.stringify(setting)]), setting.name)
}
