/**
 * Does a run find good numbers by itself? The rate of each pipeline, five seconds after it began with nothing said,
 * beside that of the best setting of a grid, and of the worst, in the same run.
 */
import type { RunEvent } from 'millstream'
import { type Benchmark, type Row, rowOf } from '../harness.ts'
import { type Case, cases, type Setting } from './tune-cases.ts'

interface Times {
  /** Milliseconds before it counts. */
  readonly warm: number
  readonly counted: number
}

const tuned: Times = { warm: 5000, counted: 2500 }
/** Before the world changes; from then on there are as many to find other numbers. */
const CALM = 2000
const fixed: Times = { warm: 800, counted: 1200 }
const tiny: Times = { warm: 100, counted: 100 }

export const tune: Benchmark = {
  summary: 'what a run sets itself, beside the best setting of a grid',
  needsPeers: false,
  run: async ({ quick, log }) => {
    const rows: Row[] = []
    for (const one of quick ? cases.slice(0, 1) : cases) {
      const grid = quick ? one.grid.slice(0, 2) : one.grid
      const rates: { setting: readonly number[]; rate: number }[] = []
      for (const setting of grid) {
        rates.push({ setting, rate: await rateOf(one, setting, quick ? tiny : fixed) })
      }
      const own = await rateOf(one, undefined, quick ? tiny : tuned)
      const sorted = rates.toSorted((a, b) => b.rate - a.rate)
      const [best, worst] = [sorted[0], sorted.at(-1)]
      if (best === undefined || worst === undefined) continue
      log(`${one.name}: ${(own / best.rate).toFixed(3)} of the best, ${best.setting.join(' and ')}`)
      const row = (subject: string, rate: number): Row =>
        rowOf({ case: one.name, subject, unit: 'elements/s', check: 'budgets held' }, [rate])
      rows.push(
        row('millstream', own),
        row(`best of the grid: ${best.setting.join(' and ')}`, best.rate),
        row(`worst of the grid: ${worst.setting.join(' and ')}`, worst.rate),
      )
    }
    return rows
  },
}

/** Elements a second, once it is warm. */
async function rateOf(
  { name, make, budget = {} }: Case,
  setting: Setting,
  { warm, counted }: Times,
): Promise<number> {
  const { dataset, read, drift, held } = make(setting)
  const workers = new Workers()
  const run = dataset.iterate({ autotune: budget, observe: (event) => workers.see(event) })
  const start = performance.now()
  let [count, from, drifted] = [0, 0, false]
  for await (const x of run) {
    await read?.(x as never)
    const now = performance.now() - start
    if (!drifted && now > CALM) {
      drifted = true
      drift?.()
    }
    if (now < warm + (drift === undefined ? 0 : CALM)) continue
    if (from === 0) from = now
    else count++
    if (now - from >= counted) break
  }
  const ms = performance.now() - start - from
  if (setting === undefined) checkCores(name, workers.most, budget.cpuBudget)
  checkBytes(name, held?.() ?? 0, budget.ramBudget)
  return (1000 * count) / ms
}

/** How many workers were at work at once, of all stages. */
class Workers {
  most = 0
  readonly #lanes = new Map<string, number>()

  see(event: RunEvent): void {
    if (event.type !== 'slice' || !event.lane.startsWith('thread ')) return
    this.#lanes.set(`${event.stage} ${event.lane}`, event.end)
    const atWork = [...this.#lanes.values()].filter((end) => end > event.start)
    this.most = Math.max(this.most, atWork.length)
  }
}

class BudgetExceeded extends Error {}

function checkCores(name: string, most: number, budget: number | undefined): void {
  if (budget === undefined || most <= budget) return
  throw new BudgetExceeded(`${name}: ${most} workers at once, ${budget} were allowed`)
}

function checkBytes(name: string, most: number, budget: number | undefined): void {
  if (budget === undefined || most <= budget) return
  throw new BudgetExceeded(`${name}: ${most} bytes at once, ${budget} were allowed`)
}
