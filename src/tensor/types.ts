import type { Column, NumericArray, Shape, Tensor } from './tensor.ts'

/** A `Buffer` batches as the `Uint8Array` it is. */
type Plain<A extends NumericArray> = A extends Uint8Array ? Uint8Array : A

// Functions, dates, maps and other class instances are opaque: they batch into columns.
type Opaque =
  | Date
  | RegExp
  | Error
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | Promise<unknown>
  | ArrayBuffer
  | ((...args: never[]) => unknown)
  | { readonly plan: { readonly op: string } } // datasets

/** Values that have no members to go through: neither tuples nor records. */
export type Leaf =
  | number
  | string
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | NumericArray
  | Tensor
  | Column<unknown>
  | Opaque

/**
 * The type of a batch of `T`: numbers become `Float64Array`, typed arrays and tensors are stacked, tuples
 * and records are batched member by member, everything else becomes a `Column`.
 */
export type Batch<T> = [T] extends [number]
  ? Float64Array
  : [T] extends [string | boolean | bigint | symbol | null | undefined]
    ? Column<T>
    : [T] extends [Tensor<infer A, infer S>]
      ? Tensor<A, readonly [number, ...S]>
      : [T] extends [NumericArray]
        ? Tensor<Plain<T>, readonly [number, number]>
        : [T] extends [Column<unknown>]
          ? Column<T>
          : [T] extends [Opaque]
            ? Column<T>
            : [T] extends [readonly unknown[]]
              ? { readonly [K in keyof T]: Batch<T[K]> }
              : [T] extends [object]
                ? { readonly [K in keyof T]: Batch<T[K]> }
                : Column<T>

type Tail<S extends readonly number[]> = S extends readonly [number, ...infer R extends Shape]
  ? Readonly<R>
  : Shape

/** The type of one element of a batch: the inverse of `Batch`. */
export type Unbatch<T> = [T] extends [Tensor<infer A, infer S>]
  ? S extends readonly [number, number]
    ? A
    : Tensor<A, Tail<S>>
  : [T] extends [NumericArray]
    ? number
    : [T] extends [Column<infer U>]
      ? U
      : [T] extends [readonly unknown[]]
        ? { readonly [K in keyof T]: Unbatch<T[K]> }
        : [T] extends [object]
          ? { readonly [K in keyof T]: Unbatch<T[K]> }
          : never

/**
 * The type of a ragged batch of `T`: as `Batch`, but typed arrays, tensors and columns become a `Column` of rows.
 */
export type RaggedBatch<T> = [T] extends [NumericArray | Tensor | Column<unknown>]
  ? Column<T>
  : [T] extends [Leaf]
    ? Batch<T>
    : [T] extends [readonly unknown[] | object]
      ? { readonly [K in keyof T]: RaggedBatch<T[K]> }
      : Column<T>

/** A size, or null for the longest of the batch. */
type PaddedSize = number | null

/**
 * Padded shapes of elements of type `T`: a size for each dimension, in tuples and records as the elements are.
 * Scalars have the shape `[]`. Records may leave out fields: their sizes come from the batch.
 */
export type PaddedShapes<T> = unknown extends T
  ? unknown
  : [T] extends [Tensor<NumericArray, infer S>]
    ? { readonly [K in keyof S]: PaddedSize }
    : [T] extends [NumericArray]
      ? readonly [PaddedSize]
      : [T] extends [Column<unknown>]
        ? readonly [PaddedSize, ...PaddedSize[]]
        : [T] extends [Leaf]
          ? readonly []
          : [T] extends [readonly unknown[]]
            ? { readonly [K in keyof T]: PaddedShapes<T[K]> }
            : { readonly [K in keyof T]?: PaddedShapes<T[K]> }

/** What one member is padded with. */
type PaddingOf<T> = [T] extends [number | NumericArray | Tensor]
  ? number
  : [T] extends [Column<infer U>]
    ? PaddingOf<U>
    : T extends boolean
      ? boolean
      : T extends string
        ? string
        : T extends bigint
          ? bigint
          : never

/**
 * Padding values for elements of type `T`, in tuples and records as the elements are; what is left out, or
 * undefined in a tuple, is 0, the empty text or false. One value alone is for all members of a tuple or record.
 */
export type PaddingValues<T> = unknown extends T
  ? unknown
  : [T] extends [Leaf]
    ? PaddingOf<T>
    : number | string | boolean | MemberPaddings<T>

type MemberPaddings<T> = [T] extends [Leaf]
  ? PaddingOf<T>
  : [T] extends [readonly unknown[]]
    ? { readonly [K in keyof T]: MemberPaddings<T[K]> | undefined }
    : { readonly [K in keyof T]?: MemberPaddings<T[K]> }
