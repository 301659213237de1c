import { expect, test } from 'vitest'
import { OpenGroups } from '../../src/operators/open-groups.ts'
import { hashBelow } from '../../src/stream/random.ts'

test('starts are those of the moment they were asked for, whatever was closed since', () => {
  const open = new OpenGroups()
  const asked: { starts: { toJSON(): unknown }; wanted: number[] }[] = []
  for (let start = 0; start < 6000; start++) {
    // Many are closed soon, some late, and now and then all of them.
    const key = start % 7 === 0 ? start : start % 5
    const old = open.get(key)
    if (old !== undefined) open.close(old)
    open.add({ key, start, size: 2, items: [] })
    if (start % 2500 === 2499) for (const group of open.values()) open.close(group)
    const wanted = Array.from(open.values(), (group) => group.start)
    expect(open.oldest()).toBe(wanted[0])
    if (hashBelow(1, start, 20) === 0) asked.push({ starts: open.starts(), wanted })
  }
  expect(asked.map(({ starts }) => starts.toJSON())).toEqual(asked.map(({ wanted }) => wanted))
})
