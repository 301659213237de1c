export { batchLength, collate, describe, sliceAt } from './batch.ts'
export { Column, isNumericArray, isRecord, isTuple, Tensor } from './tensor.ts'
export type { NumericArray, Shape } from './tensor.ts'
export type { Batch, Unbatch } from './types.ts'
