/** Names that were used last and are kept whatever happens. */
const KEPT = 4096

/**
 * Values by name, made on first use. There may be a name for each of a million hosts: values that nobody holds
 * and that are idle are forgotten, the longest unused first.
 */
export class Registry<V extends object> {
  readonly #make: () => V
  readonly #idle: (value: V) => boolean
  /** All that still live, held by somebody or not yet collected. */
  readonly #all = new Map<string, WeakRef<V>>()
  /** Those of late, the longest unused first. */
  readonly #recent = new Map<string, V>()
  #sweepAt = 2 * KEPT

  constructor(make: () => V, idle: (value: V) => boolean) {
    this.#make = make
    this.#idle = idle
  }

  get(name: string): V {
    const known = this.#recent.get(name) ?? this.#all.get(name)?.deref()
    const value = known ?? this.#make()
    if (known === undefined) this.#all.set(name, new WeakRef(value))
    this.#recent.delete(name)
    this.#recent.set(name, value)
    if (this.#recent.size > KEPT) this.#forgetOldest()
    if (this.#all.size > this.#sweepAt) this.#sweep()
    return value
  }

  /** One goes for one that comes; what is busy comes to the end of the row. */
  #forgetOldest(): void {
    const [oldest] = this.#recent
    if (oldest === undefined) return
    const [name, value] = oldest
    this.#recent.delete(name)
    if (!this.#idle(value)) this.#recent.set(name, value)
  }

  #sweep(): void {
    for (const [name, ref] of this.#all) if (ref.deref() === undefined) this.#all.delete(name)
    this.#sweepAt = Math.max(2 * KEPT, 2 * this.#all.size)
  }
}
