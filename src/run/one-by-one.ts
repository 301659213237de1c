/** Operators that work on elements one by one: what becomes of an element follows from it alone. */
export const oneByOne = ['map', 'mapAsync', 'filter', 'validate', 'keepValid'] as const

/** Operators that put neighbours together, or take them apart again. */
export const gathering = [
  'batch',
  'batchBy',
  'paddedBatch',
  'raggedBatch',
  'unbatch',
  'rebatch',
] as const
