import { InvalidArgumentError } from '../errors/index.ts'
import { unitMs } from '../stream/duration.ts'

/** So many in so much time: `'5000/min'`, `'1M/min'`, `'10/s'`, `'2.5k/h'`. */
export type Rate = `${number}${'' | 'k' | 'M' | 'G'}/${'s' | 'min' | 'h' | 'd'}`

const magnitudes: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 }

/** Units a millisecond. @throws InvalidArgumentError unless `value` is a rate above 0. */
export function rateOf(owner: string, name: string, value: unknown): number {
  if (typeof value === 'string') {
    const [, count, magnitude = '', unit = ''] =
      /^\s*([\d.]+(?:e\d+)?)\s*([kMG]?)\s*\/\s*(s|min|h|d)\s*$/.exec(value) ?? []
    const rate = (Number(count) * (magnitudes[magnitude] ?? 0)) / (unitMs[unit] ?? 1)
    if (rate > 0 && rate < Infinity) return rate
  }
  const shown = typeof value === 'string' ? `'${value}'` : String(value)
  throw new InvalidArgumentError(
    `${owner}: ${name} must be a rate such as '5000/min', '1M/min' or '10/s', not ${shown}`,
  )
}
