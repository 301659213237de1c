/**
 * How far a buffer shuffle carries neighbours apart, on average, in elements.
 *
 * An element leaves the buffer of B slots at each output with chance 1/B, until the input is over; what is left
 * comes out in any order. Two neighbours enter together and leave independently: the mean of their distance is
 * 2 * integral of F (1 - F) over their common distribution F, averaged over where they enter. With b = B/N that
 * gives N (b - 5/6 b^2 + b^2/6 exp(-2 (1 - b) / b)); a full shuffle, b = 1, gives N/3.
 */
export function neighbourDistance(buffer: number, length: number): number {
  const b = Math.min(1, buffer / length)
  const left = Math.exp((-2 * (1 - b)) / b)
  return length * (b - (5 / 6) * b * b + ((b * b) / 6) * left)
}

/**
 * The stretch of the input that 95 % of a batch come from, in elements: ages in the buffer are exponential with
 * mean B, and 95 % of them below 3 B.
 */
export function stretch(buffer: number, length: number): number {
  return Math.min(length, 3 * buffer)
}
