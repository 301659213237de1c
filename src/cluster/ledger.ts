/**
 * The submitter's side of the protocol, for one stage: which chunks are under way. Pure: an event in, instructions out;
 * no clock, no network. The broker is a buffer, this is the truth: a chunk is under way from `submit` to `settle`,
 * whatever the broker forgets, and is settled once, whatever it repeats.
 */

/** What happened. */
export type LedgerEvent =
  | { readonly type: 'submit'; readonly id: string; readonly bytes: number }
  /** The queue holds the message; it may have held it before. */
  | { readonly type: 'stored'; readonly id: string; readonly round: number }
  /** Nobody knows whether the queue holds it: no answer in time. */
  | { readonly type: 'unsure'; readonly id: string; readonly round: number }
  /** A worker brings what came of the chunk. */
  | { readonly type: 'result'; readonly id: string }
  /** Nobody wants the result any more. */
  | { readonly type: 'forget'; readonly id: string }
  /** The broker may have lost something: it was away, or has been silent for long. */
  | { readonly type: 'doubt' }
  /** What the queue held at some moment after audit number `audit` was asked for. */
  | { readonly type: 'listed'; readonly audit: number; readonly ids: ReadonlySet<string> }

/** What to do about it. */
export type LedgerInstruction =
  /** Put the chunk into the queue; messages of the same round are one message. */
  | { readonly do: 'send'; readonly id: string; readonly round: number }
  /** Hand the result on: the first one of this chunk. */
  | { readonly do: 'settle'; readonly id: string }
  /** Look what the queue holds. */
  | { readonly do: 'list'; readonly audit: number }

/** How much may be in the queue at once. */
export interface Credits {
  readonly jobs: number
  readonly bytes: number
}

interface Chunk {
  readonly bytes: number
  /** Counts the times that the chunk was put into the queue anew: the broker ignores what it has seen, even if it lost it. */
  round: number
  /** The queue was seen to hold this round. */
  stored: boolean
}

/** Which chunks of a stage are under way. */
export class Ledger {
  readonly #credits: Credits
  readonly #sent = new Map<string, Chunk>()
  /** Beyond the credits. */
  readonly #waiting = new Map<string, number>()
  #bytes = 0
  #audits = 0
  /** The stored chunks when the audit that is under way was asked for. */
  #audited: ReadonlyMap<string, number> | undefined

  constructor(credits: Credits) {
    this.#credits = credits
  }

  /** Chunks that are not settled. */
  get open(): number {
    return this.#sent.size + this.#waiting.size
  }

  step(event: LedgerEvent): readonly LedgerInstruction[] {
    switch (event.type) {
      case 'submit':
        this.#waiting.set(event.id, event.bytes)
        return this.#admit()
      case 'stored':
        return this.#stored(event.id, event.round)
      case 'unsure':
        return this.#again(event.id, event.round)
      case 'result':
        return this.#settle(event.id)
      case 'forget':
        return this.#remove(event.id) ? this.#admit() : []
      case 'doubt':
        return this.#doubt()
      case 'listed':
        return this.#listed(event.audit, event.ids)
    }
  }

  #admit(): LedgerInstruction[] {
    const instructions: LedgerInstruction[] = []
    for (const [id, bytes] of this.#waiting) {
      const full = this.#sent.size >= this.#credits.jobs
      // One chunk larger than all credits goes alone.
      if (full || (this.#sent.size > 0 && this.#bytes + bytes > this.#credits.bytes)) break
      this.#waiting.delete(id)
      this.#sent.set(id, { bytes, round: 1, stored: false })
      this.#bytes += bytes
      instructions.push({ do: 'send', id, round: 1 })
    }
    return instructions
  }

  #stored(id: string, round: number): LedgerInstruction[] {
    const chunk = this.#sent.get(id)
    if (chunk?.round === round) chunk.stored = true
    return []
  }

  /** The same round: if the queue has it after all, it stays one message. */
  #again(id: string, round: number): LedgerInstruction[] {
    const chunk = this.#sent.get(id)
    return chunk?.round === round && !chunk.stored ? [{ do: 'send', id, round }] : []
  }

  #settle(id: string): LedgerInstruction[] {
    if (!this.#remove(id)) return [] // another worker was faster, or it was delivered twice
    return [{ do: 'settle', id }, ...this.#admit()]
  }

  #remove(id: string): boolean {
    const chunk = this.#sent.get(id)
    this.#bytes -= chunk?.bytes ?? 0
    return this.#sent.delete(id) || this.#waiting.delete(id)
  }

  #doubt(): LedgerInstruction[] {
    const stored = [...this.#sent].filter(([, chunk]) => chunk.stored)
    if (stored.length === 0) return []
    this.#audited = new Map(stored.map(([id, { round }]) => [id, round]))
    return [{ do: 'list', audit: ++this.#audits }]
  }

  /** A chunk that is still under way and not in the queue was lost: a worker acknowledges only what is settled. */
  #listed(audit: number, ids: ReadonlySet<string>): LedgerInstruction[] {
    if (audit !== this.#audits || this.#audited === undefined) return []
    const instructions: LedgerInstruction[] = []
    for (const [id, round] of this.#audited) {
      const chunk = this.#sent.get(id)
      if (chunk?.round !== round || ids.has(id)) continue
      chunk.round++
      chunk.stored = false
      instructions.push({ do: 'send', id, round: chunk.round })
    }
    this.#audited = undefined
    return instructions
  }
}
