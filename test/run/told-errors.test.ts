import { Dataset } from 'millstream'
import { checkResume } from 'millstream/testing'
import { expect, test } from 'vitest'

/** Numbers of which some fail, at the start, in the middle and at the end. */
const failing = (): Dataset<number> =>
  Dataset.range(24).map((x) => {
    if ([0, 7, 8, 15, 23].includes(x)) throw new Error(`no ${x}`)
    return x
  })

/** Operators that read their input again after a resume. */
const readers: Readonly<Record<string, (ds: Dataset<number>) => Dataset<number>>> = {
  shuffle: (ds) => ds.shuffle(6, { seed: 1 }),
  unique: (ds) => ds.unique((x) => x % 11),
  groupBy: (ds) =>
    ds
      .groupBy((x) => x % 5, { init: () => 0, reduce: (s, x) => s + x })
      .map(([k, s]) => s + 100 * k),
  groupByWindow: (ds) =>
    ds.groupByWindow({ key: (x) => x % 4, reduce: (_, w) => w, windowSize: 3 }),
  interleave: (ds) => ds.interleave((x) => [x, x + 100, x + 200], { cycleLength: 3 }),
  'interleave ahead': (ds) =>
    ds.interleave((x) => Dataset.range(x, x + 3), { cycleLength: 3, parallelism: 3 }),
}

/** Operators that errors pass through and that are another one's state behind them. */
const counters: Readonly<Record<string, (ds: Dataset<number>) => Dataset<number>>> = {
  sample: (ds) => Dataset.sampleFromDatasets([ds, Dataset.range(500, 540)], { seed: 3 }),
  choose: (ds) =>
    Dataset.chooseFromDatasets(
      [ds, Dataset.range(500, 540)],
      Dataset.range(50).map((x) => x % 2),
    ),
  window: (ds) =>
    ds
      .window(3, { shift: 2 })
      .flatMap((w) => w.batch(3).map((b) => b.reduce((s, x) => s * 7 + x, 1))),
}

test.each(
  Object.keys(readers).flatMap((reader) =>
    Object.keys(counters).map((counter) => [reader, counter]),
  ),
)('an error that %s told is not told again to %s after a resume', async (reader, counter) => {
  const build = readers[reader ?? '']
  const behind = counters[counter ?? '']
  if (build === undefined || behind === undefined) throw new Error('no such operator')
  const ds = behind(build(failing())).ignoreErrors()
  expect((await checkResume(ds)).elements).toBeGreaterThan(1)
})
