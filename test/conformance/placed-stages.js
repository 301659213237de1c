/** Stages of random pipelines. JavaScript: a worker that loads TypeScript takes long to start. */
import { stage } from 'millstream'

export const plus = stage(import.meta, (/** @type {number} */ x) => 3 * x + 1)

/** Some results come late, so that they finish out of order. */
export const drawn = stage(import.meta, async (/** @type {number} */ x, local) => {
  if (x % 3 === 0) await new Promise(setImmediate)
  return (x + local.index + Math.floor(local.random() * 1000)) % 1009
})

export const picky = stage(import.meta, (/** @type {number} */ x) => {
  if (x % 4 === 2) throw new Error(`no ${x}`)
  return x
})

export const sums = stage(import.meta, (/** @type {Float64Array} */ batch) => ({
  x: batch.map((x) => x % 97),
}))
