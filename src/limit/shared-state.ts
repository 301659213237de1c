/**
 * What several processes know together: a text with a version, which changes by compare-and-set. Nothing else is
 * asked of the place where it is kept, a folder or a service.
 */
export interface SharedState {
  /** The latest; version 0 and no text when there is none yet. */
  read(): Promise<Versioned>
  /**
   * Puts `text` in the place of `version`. False when that is not the latest any more; it may also be false when
   * the text was put there and another took its place at once, so texts say who wrote what.
   */
  compareAndSet(version: number, text: string): Promise<boolean>
}

export interface Versioned {
  readonly version: number
  readonly text: string
}
