import { stage } from 'millstream'

export const square = stage(import.meta, async (x: number, local) => ({
  x,
  square: x * x,
  lucky: local.random() < 2,
}))

export const upToTwo = stage(import.meta, async (x: number) => {
  if (x > 2) throw new RangeError(`${x} is too much`, { cause: new Error('a limit') })
  return x
})

export const leaves = stage(import.meta, async (x: number) => {
  if (x === 3) process.exit(9)
  return x
})
