import { InvalidArgumentError } from '../errors/index.ts'
import { collate, describe } from './batch.ts'
import { byMember, type MemberName } from './members.ts'
import { padColumns } from './pad-column.ts'
import { padNumbers } from './pad-numbers.ts'
import { checkKind, isScalar, notOne, type Padding, sizesOf, type Where } from './padding.ts'
import { Column, isNumericArray, isRecord, isTensor, isTuple } from './tensor.ts'

/**
 * Makes one batch of elements of one structure, their vectors, tensors and columns filled up to one size.
 *
 * @throws DataError when an element is larger than its padded shape or unlike the others; InvalidArgumentError when
 *   shapes or values do not have the structure, rank or type of the elements.
 */
export function collatePadded(
  items: readonly unknown[],
  padding: Padding,
  where: Where = '',
): unknown {
  const { shapes, values } = padding
  const first = items[0]
  const members = byMember(items, (column, name) => {
    const own = {
      ...padding,
      shapes: memberOf('paddedShapes', shapes, first, name, where),
      values: isScalar(values) ? values : memberOf('paddingValues', values, first, name, where),
    }
    return collatePadded(column, own, `${where}${isTuple(first) ? `[${name}]` : `.${name}`}`)
  })
  if (members !== undefined) return members
  if (isNumericArray(first) || isTensor(first)) {
    return padNumbers(items, padding, where)
  }
  if (first instanceof Column) return padColumns(items, padding, where)
  sizesOf(padding, 0, where)
  if (isScalar(values)) checkKind(first, values, where)
  else if (values !== undefined && values !== null) throw notOne('paddingValues', values, where)
  return collate(items)
}

/** The part of a structure that belongs to one member of the elements. */
function memberOf(
  what: string,
  structure: unknown,
  element: unknown,
  name: MemberName,
  where: Where,
): unknown {
  if (structure === undefined || structure === null) return undefined
  if (isTuple(element)) {
    if (isTuple(structure) && structure.length === element.length) return structure[Number(name)]
    throw new InvalidArgumentError(
      `${what}${where} must be a tuple of ${element.length}, as the elements are, not ${describe(structure)}`,
    )
  }
  const fields = Object.keys(element as object)
  if (isRecord(structure) && Object.keys(structure).every((key) => fields.includes(key))) {
    return structure[name]
  }
  throw new InvalidArgumentError(
    `${what}${where} must be a record of ${fields.join(', ')}, as the elements are, not ${
      isRecord(structure) ? `one of ${Object.keys(structure).join(', ')}` : describe(structure)
    }`,
  )
}
