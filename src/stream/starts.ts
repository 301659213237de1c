import type { Json, Token } from './operator.ts'

/** An input of which elements may have been handed out. */
interface Beginning {
  readonly key: number
  /** The state before its first element; what is decided in it hangs off it. */
  readonly start: Token
  next: Beginning | undefined
}

/**
 * Inputs that an operator begins to read behind a token: a state that only knows the input before them would let
 * a resume decide anew in them. Only for inputs in which something is decided: see `OpenContext.decides`. A token
 * points into a list that only grows forwards; what no token points at any more is collected.
 */
export class Starts {
  #last: Beginning = { key: -1, start: null, next: undefined }
  /** Of the checkpoint, for inputs that this run has not begun to read. */
  readonly #restored: Map<number, Json>

  /** `from` is what a token wrote. */
  constructor(from: Json | undefined) {
    this.#restored = new Map(
      (from as readonly (readonly [number, Json])[] | null | undefined) ?? [],
    )
  }

  /** The state to open input `key` with, where the checkpoint has one. */
  of(key: number): Json | undefined {
    return this.#restored.get(key)
  }

  /** Elements of input `key` may be handed out from now on; `start` is its state before the first. */
  begin(key: number, start: Token): void {
    this.#restored.delete(key)
    this.#last = this.#last.next = { key, start, next: undefined }
  }

  /** `state`, and the starts since as one more member: null where there are none. */
  token(state: readonly Token[]): readonly Token[] {
    const since = this.#last
    const starts = (): Json | readonly Token[] => {
      const found: (readonly [number, Token])[] = [...this.#restored]
      for (let each = since.next; each !== undefined; each = each.next) {
        found.push([each.key, each.start])
      }
      return found.length === 0 ? null : found
    }
    return [...state, { toJSON: starts }]
  }
}
