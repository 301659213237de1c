import { describe, expect, test } from 'vitest'
import type { RunEvent } from '../../src/index.ts'
import {
  confusionTable,
  escapeHtml,
  lanesOf,
  lineChart,
  page,
  timeline,
} from '../../src/ui/index.ts'

const hostile = `<script>alert("1")</script> & 'co'`

describe('page', () => {
  test('needs nothing from outside and runs nothing', () => {
    const html = page({
      title: hostile,
      lead: hostile,
      facts: [{ label: hostile, value: hostile, good: true }],
      sections: [{ title: hostile, note: hostile, html: '<p>fine</p>' }],
    })
    expect(html).not.toContain('<script')
    expect(html).not.toMatch(/(src|href)="(?!data:)/)
    expect(html).not.toMatch(/url\(|@import/)
    expect(html.startsWith('<!doctype html>')).toBe(true)
    expect(html).toContain('<p>fine</p>')
  })

  test('escapeHtml', () => {
    expect(escapeHtml(hostile)).toBe(
      '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;co&#39;',
    )
  })
})

describe('lineChart', () => {
  const chart = (points: [number, number][]): string =>
    lineChart({ title: 't', xLabel: 'x', series: [{ name: 'a', points }] })

  test('draws each point, from left to right and the larger the higher', () => {
    const circles = [
      ...chart([
        [1, 0.5],
        [2, 2],
        [4, 1],
      ]).matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g),
    ]
    const [first, second, third] = circles.map(([, x, y]) => ({ x: Number(x), y: Number(y) }))
    expect(circles).toHaveLength(3)
    expect((third?.x ?? 0) - (second?.x ?? 0)).toBeCloseTo(
      2 * ((second?.x ?? 0) - (first?.x ?? 0)),
      0,
    )
    expect(second?.y).toBeLessThan(third?.y ?? 0)
    expect(third?.y).toBeLessThan(first?.y ?? 0)
  })

  test.each([
    { points: [] },
    { points: [[1, 1]] },
    {
      points: [
        [1, 3],
        [2, 3],
      ],
    },
    {
      points: [
        [1, Number.NaN],
        [2, 1],
        [3, Infinity],
      ],
    },
    {
      points: [
        [0, -1e9],
        [1, 1e-9],
      ],
    },
  ] as { points: [number, number][] }[])('has no broken numbers: $points', ({ points }) => {
    expect(chart(points)).not.toMatch(/NaN|Infinity|undefined/)
  })

  test('escapes names', () => {
    const html = lineChart({
      title: hostile,
      xLabel: hostile,
      series: [
        { name: hostile, points: [[1, 1]] },
        { name: 'b', points: [[2, 2]] },
      ],
      mark: { y: 1, label: hostile },
    })
    expect(html).not.toContain('<script')
  })
})

describe('timeline', () => {
  const slice = (stage: string, start: number, end: number): RunEvent => {
    return { type: 'slice', stage, lane: 'main', start, end, n: 1 }
  }

  test('sorts slices into lanes and leaves the others out', () => {
    const events: RunEvent[] = [
      slice('a', 0, 5),
      slice('b', 5, 9),
      slice('a', 9, 10),
      slice('c', 1, 2),
      { type: 'skip', stage: 'a', index: 0, element: 1, error: 'x' },
    ]
    const names = new Map([
      ['a', 'read'],
      ['b', 'train'],
    ])
    expect(lanesOf(events, ({ stage }) => names.get(stage))).toEqual([
      {
        name: 'read',
        slices: [
          { start: 0, end: 5 },
          { start: 9, end: 10 },
        ],
      },
      { name: 'train', slices: [{ start: 5, end: 9 }] },
    ])
  })

  test('busy time counts what overlaps once, and only within the picture', () => {
    const slices = [
      { start: 90, end: 120 },
      { start: 110, end: 140 },
      { start: 180, end: 400 },
    ]
    const html = timeline({ title: 't', lanes: [{ name: 'a', slices }], from: 100, to: 200 })
    expect(html).toContain('60 % busy')
  })

  test('what starts before the picture or ends after it is cut', () => {
    const slices = [{ start: 0, end: 1_000 }]
    const html = timeline({ title: 't', lanes: [{ name: 'a', slices }], from: 100, to: 200 })
    const [, width] = /M92 4h([\d.]+)v/.exec(html) ?? []
    expect(Number(width)).toBeCloseTo(960 - 92 - 92, 0)
  })

  test('thousands of slices stay a small picture; an empty one is no error', () => {
    const slices = Array.from({ length: 50_000 }, (_, i) => ({ start: i, end: i + 0.9 }))
    const lanes = [{ name: 'a', slices }]
    expect(timeline({ title: 't', lanes, from: 0, to: 50_000 }).length).toBeLessThan(50_000)
    expect(timeline({ title: 't', lanes: [], from: 0, to: 0 })).not.toMatch(/NaN|Infinity/)
  })
})

test('confusionTable: counts with their share of the row', () => {
  const html = confusionTable({
    classes: ['cat', hostile],
    confusion: [
      [3, 1],
      [0, 0],
    ],
  })
  expect(html).toContain('<b>3</b><span>75.0 %</span>')
  expect(html).not.toContain('<script')
  expect(html).not.toContain('NaN')
})
