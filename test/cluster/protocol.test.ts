import { expect, test } from 'vitest'
import { CHUNKS, simulate } from './simulator.ts'

/*
 * Schedules of lost, doubled, delayed and reordered messages, crashes, freezes, and brokers that forget: 10,000 of them with
 * `npm run chaos:protocol`.
 */
const SCHEDULES = Number(process.env['MILLSTREAM_SCHEDULES'] ?? 500)
const SEED = Number(process.env['MILLSTREAM_SEED'] ?? 1)

const all = Array.from({ length: CHUNKS }, (_, k) => k)

test(`${SCHEDULES} schedules: no chunk is lost, none is handed on twice, the order is kept`, () => {
  const wrong: number[] = []
  let [crashes, repeated, lost] = [0, 0, 0]
  for (let seed = SEED; seed < SEED + SCHEDULES; seed++) {
    const came = simulate({ seed })
    if (came.out.join() !== all.join()) wrong.push(seed)
    crashes += came.crashes
    repeated += came.repeated
    lost += came.lost
  }
  console.log(
    `seeds ${SEED} to ${SEED + SCHEDULES - 1}: ${crashes} crashes, ${lost} messages that the broker lost, ` +
      `${repeated} results brought again`,
  )
  expect(wrong, 'seeds').toEqual([])
  // What the schedules are for did happen.
  expect(Math.min(crashes, repeated, lost)).toBeGreaterThan(SCHEDULES)
})

test('negative control: without ids, chunks come out twice', () => {
  const doubled = Array.from({ length: 20 }, (_, k) =>
    simulate({ seed: SEED + k, withoutIds: true }),
  )
  expect(doubled.filter(({ out }) => new Set(out).size < out.length).length).toBeGreaterThan(10)
})
