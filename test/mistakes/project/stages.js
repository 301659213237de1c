import { stage } from 'millstream'

export const double = stage(import.meta, (x) => 2 * x)

export const config = stage(import.meta, {
  setup: (options) => options,
  run: (x, { factor }) => factor * x,
})

export const exits = stage(import.meta, () => process.exit(7))

/** A closure: what it captured does not exist in a worker. */
export const scaledBy = (factor) => stage(import.meta, (x) => factor * x)
