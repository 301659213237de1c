import { InvalidArgumentError } from '../errors/index.ts'

/**
 * A number from the Beta distribution (alpha, alpha): the share of one of two Gamma numbers.
 *
 * @throws InvalidArgumentError when `alpha` is not above 0.
 */
export function betaSample(alpha: number, random: () => number): number {
  if (!(alpha > 0 && alpha < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError(`alpha is a number above 0, not ${alpha}`)
  }
  // Logarithms: both numbers are below the smallest double where alpha is small.
  const [a, b] = [logGamma(alpha, random), logGamma(alpha, random)]
  return 1 / (1 + Math.exp(b - a))
}

/** The logarithm of a number from the Gamma distribution (Marsaglia and Tsang 2000). */
function logGamma(alpha: number, random: () => number): number {
  if (alpha < 1) return logGamma(alpha + 1, random) + Math.log(1 - random()) / alpha
  const d = alpha - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(random)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    if (Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return Math.log(d * v)
  }
}

/** A number from the standard normal distribution (Box and Muller). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
