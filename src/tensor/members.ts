import { checkFields, checkTuple } from './batch.ts'
import { isRecord, isTuple } from './tensor.ts'

/** Place of a member: its number in a tuple, its name in a record. */
export type MemberName = number | string

/**
 * What `each` makes of the members of tuples and records, one after the other, in a tuple or record again.
 * Undefined when the elements are neither.
 *
 * @throws DataError when the elements differ in length or fields.
 */
export function byMember(
  items: readonly unknown[],
  each: (members: readonly unknown[], name: MemberName) => unknown,
): unknown {
  const first = items[0]
  if (isTuple(first)) {
    const tuples = items.map((x, i) => checkTuple(x, first.length, i))
    return first.map((_, k) =>
      each(
        tuples.map((tuple) => tuple[k]),
        k,
      ),
    )
  }
  if (!isRecord(first)) return undefined
  const keys = Object.keys(first)
  items.forEach((x, i) => {
    checkFields(x, first, keys, i)
  })
  const records = items as readonly Record<string, unknown>[]
  const batched = keys.map((key) => [
    key,
    each(
      records.map((record) => record[key]),
      key,
    ),
  ])
  return Object.fromEntries(batched)
}
