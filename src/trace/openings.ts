/**
 * What the engine has open, for checks that look for leaks. Nothing is kept when nobody watches: an iteration that was
 * dropped must stay garbage.
 */

/** One thing that can be open. */
export interface Opening {
  /** From here on it has to be closed. */
  begun(): void
  /** It was asked to close. */
  closing(): void
  closed(): void
}

/** Told of each iteration that is made, and of each operator that is read. */
export interface OpeningWatch {
  opening(kind: 'iteration' | 'operator', what: string): Opening
}

let watch: OpeningWatch | undefined

/** Tells `next` of what opens from here on; undefined ends that. */
export function watchOpenings(next: OpeningWatch | undefined): void {
  watch = next
}

/** Undefined when nobody watches. */
export function openingOf(
  kind: 'iteration' | 'operator',
  { id, at }: { readonly id: string; readonly at?: string | undefined },
): Opening | undefined {
  return watch?.opening(kind, at === undefined ? id : `${id} (${at})`)
}
