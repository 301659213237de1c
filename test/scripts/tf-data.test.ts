import { Dataset } from 'millstream'
import { expect, test } from 'vitest'
import { besides, leftOut, mapped, missing, tfDataset, written } from '../../scripts/tf-data.ts'
import { operators } from '../../src/operators/table.ts'

test('every public member of tf.data.Dataset is here, or left out with a reason', () => {
  expect(new Set(tfDataset).size).toBe(49)
  expect(missing()).toEqual([])
})

test('nothing is both here and left out, and nothing is made up', () => {
  for (const name of Object.keys(leftOut)) {
    expect(tfDataset).toContain(name)
    expect([...mapped()]).not.toContain(name)
  }
  for (const { tf } of besides) expect(tfDataset).toContain(tf)
})

const isMethod = (name: string): boolean => name in Dataset || name in Dataset.prototype

test('every operator is written by a method there is', () => {
  const hidden = operators.filter(({ op }) => written[op] === undefined && !isMethod(op))
  expect(hidden.map(({ op }) => op)).toEqual([])
  for (const text of [...Object.values(written), ...besides.map(({ here }) => here)]) {
    const [, name = ''] = /^(?:Dataset\.)?(\w+)/.exec(text) ?? []
    expect(isMethod(name), text).toBe(true)
  }
})
