import { InvalidArgumentError } from '../errors/index.ts'

/** A time span: milliseconds as a number, or text such as `'250ms'`, `'60s'`, `'15m'`, `'2h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'min' | 'h' | 'd'}`

/** Milliseconds of each unit of time. */
export const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** @throws InvalidArgumentError unless `value` is a time span above 0. */
export function durationMs(op: string, name: string, value: unknown): number {
  const ms = typeof value === 'number' ? value : parsed(value)
  if (ms !== undefined && ms > 0) return ms
  throw new InvalidArgumentError(
    `${op}: ${name} must be a time above 0, in milliseconds or as text such as '60s', not ${shown(value)}`,
  )
}

function parsed(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined
  const [, count, unit = ''] = /^\s*([\d.]+(?:e\d+)?)\s*([a-z]+)\s*$/.exec(value) ?? []
  const ms = Object.hasOwn(unitMs, unit) ? unitMs[unit] : undefined
  return ms === undefined ? undefined : Number(count) * ms
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
