import { collate, mixed } from './batch.ts'
import { byMember } from './members.ts'
import { Column, isNumericArray, isTensor } from './tensor.ts'

/**
 * Makes one batch of elements whose vectors, tensors and columns may differ in size: each member of that kind
 * becomes a `Column` of rows, also where all happen to be of one size. All else batches as `collate` does it.
 *
 * @throws DataError when the elements differ in kind or fields.
 */
export function collateRagged(items: readonly unknown[]): unknown {
  const members = byMember(items, collateRagged)
  if (members !== undefined) return members
  const kind = rowKind(items[0])
  if (kind === undefined) return collate(items)
  items.forEach((x, i) => {
    if (rowKind(x) !== kind) throw mixed(kind, x, i)
  })
  return Column.copy(items)
}

function rowKind(x: unknown): string | undefined {
  if (isNumericArray(x)) return 'a typed array'
  if (isTensor(x)) return 'a Tensor'
  return x instanceof Column ? 'a Column' : undefined
}
