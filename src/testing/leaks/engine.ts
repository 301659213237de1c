import { watchOpenings } from '../../trace/openings.ts'
import { here } from './where.ts'

/** An iteration or operator that has begun. */
export interface Begun {
  readonly what: string
  readonly stack: Error | undefined
  asked: boolean
}

const begun = new Set<Begun>()
let watching = false

/** Remembers from here on, for the rest of the process, which iterations are open. */
export function watchEngine(): void {
  if (watching) return
  watching = true
  watchOpenings({
    opening(kind, name) {
      // Operators are opened by the thousand, and by the engine.
      const stack = kind === 'iteration' ? here() : undefined
      const one: Begun = { what: `${kind} ${name}`, stack, asked: false }
      return {
        begun: () => void begun.add(one),
        closing: () => void (one.asked = true),
        closed: () => void begun.delete(one),
      }
    },
  })
}

export function enginesOpen(): ReadonlySet<Begun> {
  return begun
}
