import { inspect } from 'node:util'
import { Column, isNumericArray, isRecord, isTensor, isTuple, type NumericArray } from './tensor.ts'

/** The kinds of numbers that typed arrays and tensors hold. */
export type DType =
  | 'float64'
  | 'float32'
  | 'int32'
  | 'uint32'
  | 'int16'
  | 'uint16'
  | 'int8'
  | 'uint8'
  | 'uint8clamped'

/** What one element is made of; `ElementSpec` without printing. */
export type Structure =
  /** A single value: `number`, `string`, `null`, or the name of its class, such as `Date`. */
  | { readonly kind: 'value'; readonly type: string }
  /** A typed array is a tensor of one dimension. */
  | { readonly kind: 'tensor'; readonly dtype: DType; readonly shape: readonly number[] }
  /** What is not a number, in a batch: as many as `length`, described by the first. */
  | { readonly kind: 'column'; readonly length: number; readonly items: ElementSpec | undefined }
  | { readonly kind: 'tuple'; readonly members: readonly ElementSpec[] }
  | { readonly kind: 'record'; readonly members: { readonly [name: string]: ElementSpec } }

/**
 * What an element is made of. As text it reads like a type: `{ id: number, photo: uint8[224, 224, 3] }`.
 */
export class ElementSpec {
  readonly structure: Structure

  constructor(structure: Structure) {
    this.structure = structure
  }

  /** Describes a value. */
  static of(x: unknown): ElementSpec {
    return new ElementSpec(structureOf(x))
  }

  toString(): string {
    const { structure } = this
    switch (structure.kind) {
      case 'value':
        return structure.type
      case 'tensor':
        return `${structure.dtype}[${structure.shape.join(', ')}]`
      case 'column':
        return `Column<${structure.items?.toString() ?? 'unknown'}>[${structure.length}]`
      case 'tuple':
        return `[${structure.members.join(', ')}]`
      case 'record':
        return textOfRecord(structure.members)
    }
  }

  toJSON(): Structure {
    return this.structure
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

function structureOf(x: unknown): Structure {
  if (isTensor(x)) return { kind: 'tensor', dtype: dtypeOf(x.data), shape: x.shape }
  if (isNumericArray(x)) return { kind: 'tensor', dtype: dtypeOf(x), shape: [x.length] }
  if (x instanceof Column) {
    const items = x.length === 0 ? undefined : ElementSpec.of(x[0])
    return { kind: 'column', length: x.length, items }
  }
  if (isTuple(x)) return { kind: 'tuple', members: x.map((member) => ElementSpec.of(member)) }
  if (isRecord(x)) {
    const members = Object.entries(x).map(([name, member]) => [name, ElementSpec.of(member)])
    return { kind: 'record', members: Object.fromEntries(members) as Record<string, ElementSpec> }
  }
  return { kind: 'value', type: typeName(x) }
}

/** `Uint8Array` is `uint8`; a `Buffer` is one too. */
function dtypeOf(array: NumericArray): DType {
  if (array instanceof Uint8Array) return 'uint8'
  return array[Symbol.toStringTag].replace('Array', '').toLowerCase() as DType
}

function typeName(x: unknown): string {
  if (x === null) return 'null'
  if (typeof x !== 'object') return typeof x
  return x.constructor.name
}

function textOfRecord(members: { readonly [name: string]: ElementSpec }): string {
  const texts = Object.entries(members).map(
    ([name, spec]) => `${nameText(name)}: ${spec.toString()}`,
  )
  return texts.length === 0 ? '{}' : `{ ${texts.join(', ')} }`
}

const nameText = (name: string): string =>
  /^[\p{L}_$][\p{L}\d_$]*$/u.test(name) ? name : JSON.stringify(name)
