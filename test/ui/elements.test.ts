import { describe, expect, test } from 'vitest'
import { Dataset, inline, stage, type RunEvent } from '../../src/index.ts'
import { elements, jobsOf } from '../../src/ui/index.ts'

const hostile = `<script>alert("1")</script> & 'co'`

describe('elements', () => {
  test('a box for each stage that worked on an element, a line where it waits, from the first box on', () => {
    const svg = elements({
      title: hostile,
      stages: ['read', hostile],
      rows: [
        {
          name: 'a',
          slices: [
            { start: 100, end: 200 },
            { start: 300, end: 500 },
          ],
        },
        { name: hostile, slices: [{ start: 200, end: 300 }, undefined] },
        { name: 'never', slices: [undefined, undefined] },
      ],
    })
    const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)]
    const [one, two, other] = boxes.map((box) => box.slice(1).map(Number))
    expect(boxes).toHaveLength(3)
    const wide = one?.[2] ?? NaN
    expect(two?.[2]).toBeCloseTo(2 * wide, 0)
    expect((two?.[0] ?? 0) - (one?.[0] ?? 0)).toBeCloseTo(2 * wide, 0)
    expect((other?.[0] ?? 0) - (one?.[0] ?? 0)).toBeCloseTo(wide, 0)
    expect(other?.[1]).toBeGreaterThan(one?.[1] ?? 0)
    expect(svg.match(/<path class="grid"/g)).toHaveLength(2)
    expect(svg).not.toContain('<script')
    expect(svg).not.toMatch(/NaN|Infinity/)
  })

  test('without rows it is an empty picture', () => {
    expect(elements({ title: 't', stages: [], rows: [] })).not.toMatch(/NaN|Infinity/)
  })

  test('jobs tell which elements they took, of those that came to the stage', async () => {
    const events: RunEvent[] = []
    const odd = Dataset.range(40).filter((x) => x % 2 === 1)
    const doubled = odd.map(stage(import.meta, (x: number) => 2 * x).on(inline))
    await doubled.toArray({ observe: (event) => events.push(event) })
    const jobs = jobsOf(events, doubled.plan.id)
    const taken = jobs.flatMap(({ first, n }) => Array.from({ length: n }, (_, k) => first + k))
    expect(taken).toEqual(Array.from({ length: 20 }, (_, k) => k))
    expect(jobsOf(events, odd.plan.id)).toEqual([])
  })
})
