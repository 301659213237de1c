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
