import { chance } from '../random.ts'

/**
 * A seeded shuffle whose order never changes, because it decides which photos belong to the data set and
 * to its parts (Fisher-Yates).
 */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const out = [...items]
  const random = chance(seed)
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const held = out[i] as T
    out[i] = out[j] as T
    out[j] = held
  }
  return out
}
