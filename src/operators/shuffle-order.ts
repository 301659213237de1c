import { hashBelow } from '../stream/random.ts'

/**
 * The order of tf.data's buffer shuffle as a function of the key: at output `t` slot `hash(key, t)` is emitted
 * and takes the next input; when the input is over, the last slot moves in. What the slots hold after `n`
 * outputs therefore follows from the hash alone, by running backwards (coupon collecting): about
 * `size * (ln size + 0.58)` steps, however far `n` is.
 */
export function heldAfter(
  key: number,
  n: number,
  size: number,
  length: number | undefined,
): Float64Array {
  const drainFrom = length === undefined ? Infinity : Math.max(0, length - size)
  const filled = Math.min(size, length ?? Infinity)
  const held = filledSlots(key, Math.min(n, drainFrom), filled, size)
  if (length === undefined || n <= drainFrom) return held
  for (let t = drainFrom; t < n; t++) {
    const live = length - t
    held[hashBelow(key, t, live)] = held[live - 1] ?? 0
  }
  return held.slice(0, length - n)
}

/** Ordinals in the slots after `n` outputs, while each output was replaced by an input. */
function filledSlots(key: number, n: number, filled: number, size: number): Float64Array {
  const held = new Float64Array(filled).fill(-1)
  let open = filled
  for (let t = n - 1; t >= 0 && open > 0; t--) {
    const slot = hashBelow(key, t, size)
    if (held[slot] !== -1) continue
    held[slot] = size + t
    open--
  }
  for (let slot = 0; slot < filled; slot++) if (held[slot] === -1) held[slot] = slot
  return held
}

/** The smallest of some ordinals. */
export function oldest(held: Float64Array): number {
  let least = Infinity
  for (const ordinal of held) if (ordinal < least) least = ordinal
  return least
}

/**
 * How many inputs ago the oldest element in the slots came in, on average: until each slot was drawn at least
 * once, looking back, which is the coupon collector's time, `size * (ln size + 0.577) + 0.5`.
 */
export function expectedAge(size: number): number {
  return size * (Math.log(size) + 0.5772) + 0.5
}
