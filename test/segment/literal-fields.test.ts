import { runInThisContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { literalFields } from '../../src/segment/literal-fields.ts'

/** A function as its text says, whatever this file was made of. */
const written = (text: string): ((x: unknown) => object) =>
  runInThisContext(`(${text})`) as (x: unknown) => object

const X = { a: 1, b: 'two', c: { d: 3 } }

test.each([
  ['(x) => ({ a: x.a })', ['a']],
  ['x=>({a:x.a,b:x.b})', ['a', 'b']],
  ['({ a, b }) => ({ a, other: b })', ['a', 'other']],
  ['(x) => ({ a: x.a ? { y: 1, z: 2 } : [1, 2], })', ['a']],
  [`(x) => ({ 'with space': 1, "a,b": '},{', c: "it's" })`, ['with space', 'a,b', 'c']],
  ['(x) => ({ f: (y) => ({ z: y }), g: function () { return { h: 1 } } })', ['f', 'g']],
  ['(x, y = { z: (w) => w }) => ({ get: 1, set: y, async: 2 })', ['get', 'set', 'async']],
  ['(x) => (\n  {\n    a: 1,\n    a: 2,\n  }\n)', ['a']],
  ['(x) => ({})', []],
])('%s', (text, names) => {
  const fn = written(text)
  expect(literalFields(fn)).toEqual(new Set(names))
  expect(Object.keys(fn(X)).toSorted()).toEqual(names.toSorted())
})

test.each([
  '(x) => ({ ...x })',
  '(x) => ({ a: 1, ...x })',
  '(x) => ({ [x.b]: 1 })',
  '(x) => ({ get a() { return 1 } })',
  '(x) => ({ a() {} })',
  '(x) => ({ *a() {} })',
  '(x) => ({ async a() {} })',
  '(x) => ({ __proto__: x })',
  `(x) => ({ '__proto__': x })`,
  '(x) => ({ 1: x })',
  '(x) => ({ 0x10: x })',
  '(x) => ({ a: x.a / 2 })',
  '(x) => ({ a: `${x.b}` })',
  '(x) => ({ "\\x61": 1 })',
  '(x) => ({ a: 1 /* }) */ })',
  '(x) => ({ a: 1 }).a',
  '(x) => ({ a: 1 }, x)',
  '(x) => ({ a: 1 }) || x',
  '(x) => ({ a: 1 })["a"]',
  '(x) => (({ a: 1 }))',
  '(x) => { return { a: 1 } }',
  '(x) => (y) => ({ a: 1 })',
  'async (x) => ({ a: 1 })',
  'function (x) { return ({ a: 1 }) }',
  '(x) => ({ ä: 1 })',
  '(x) => x',
  '((x) => ({ a: 1 })).bind(null)',
  'new Proxy((x) => ({ a: 1 }), {})',
  'class { static a = (x) => ({ a: 1 }) }',
])('%s leaves a doubt', (text) => {
  expect(literalFields(written(text))).toBeUndefined()
})

test('what it says is so, or it says nothing', () => {
  const piece = fc.constantFrom(
    ...`a b x ... { } ( ) [ ] , : 1 ' " => ? __proto__ = || "k" '}' / \``.split(' '),
    ' ',
    'get ',
    ': 1,',
  )
  const inside = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  let known = 0
  fc.assert(
    fc.property(inside, inside, (members, behind) => {
      let result: unknown
      let fn: unknown
      try {
        const make = written(`(a, b) => { return (x) => ({ n: 1, ${members} })${behind} }`)
        fn = (make as (a: unknown, b: unknown) => unknown)(X, [1])
        result = (fn as (x: unknown) => unknown)({ a: 1 })
      } catch {
        return // no program
      }
      const names = literalFields(fn)
      if (names === undefined) return
      known++
      expect(names).toEqual(new Set(Object.keys(result as object)))
    }),
    { numRuns: 30_000, seed: 1 },
  )
  expect(known).toBeGreaterThan(50)
})
