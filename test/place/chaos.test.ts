/** Workers that die at random, many times in a run. `npm run chaos:workers` does it at full size. */
import { firstOf } from 'millstream/testing'
import { describe, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { built } from './built.ts'
import { chaotic } from './fixtures/deadly.js'

const { Dataset, processes, threads, WorkerDiedError } = built

const deaths = Number(process.env['MILLSTREAM_DEATHS'] ?? 6)
const seed = Number(process.env['MILLSTREAM_SEED'] ?? 20261124)
const n = 20 * deaths

type Deed = 'exits' | 'hangs' | 'hoards' | 'kills' | 'aborts'

/** What survives there: a thread cannot be killed alone, nor does it survive an abort. */
const places = [
  { place: threads(2, { heapMb: 32 }), ways: ['exits', 'hangs', 'hoards'] },
  {
    place: processes(2, { heapMb: 32 }),
    ways: ['kills', 'aborts', 'exits', 'hangs', 'kills', 'aborts', 'hoards'],
  },
] as const

/** Which elements end their worker, and how: chance by the seed alone. */
async function deedsOf(ways: readonly Deed[]): Promise<ReadonlyMap<number, Deed>> {
  const order = await Dataset.range(n).shuffle('global', { seed }).take(deaths).toArray()
  return new Map(order.map((x, k) => [x, ways[k % ways.length] ?? 'exits']))
}

describe.each(places)('on $place.name', ({ place, ways }) => {
  test(
    `${deaths} deaths under retry: 0 lost, 0 duplicated, in order`,
    { timeout: 1_800_000 },
    async () => {
      const stage = chaotic.with({ folder: testFolder(), deeds: await deedsOf(ways) }).on(place)
      const run = Dataset.range(n)
        .map(stage, { retry: { attempts: 3, delay: 1 }, timeout: 2_000 })
        .iterate({ stall: { fail: '5m' } })
      expect(await firstOf(run, 2 * n)).toEqual(Array.from({ length: n }, (_, x) => 2 * x))
      expect(run.dead + run.skipped).toBe(0)
    },
  )

  test(
    'under fail the run rejects and names the stage, however it died',
    { timeout: 600_000 },
    async () => {
      for (const deed of new Set(ways)) {
        const stage = chaotic.with({ folder: testFolder(), deeds: new Map([[9, deed]]) }).on(place)
        const ds = Dataset.range(40).map(stage, deed === 'hangs' ? { timeout: 500 } : {})
        const error = await ds.toArray().catch((thrown: unknown) => thrown)
        if (deed === 'hangs') {
          expect(error).toMatchObject({ index: 9, cause: { code: 'MILLSTREAM_TIMEOUT' } })
        } else {
          expect(error, deed).toBeInstanceOf(WorkerDiedError)
          expect(error).toMatchObject({
            message: expect.stringContaining('deadly.js#chaotic died'),
          })
        }
      }
    },
  )
})
