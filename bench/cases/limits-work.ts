/** What the subjects of `limits` are given to do. */

export interface Work {
  readonly subject: string
  readonly url: string
  readonly documents: number
  /** The first document of this process: several may share the work. */
  readonly first: number
  /** What the API allows a minute of its time. */
  readonly quota: { readonly requests: number; readonly tokens: number }
  /** Where processes share what they know of the limit. */
  readonly folder: string
  /** Minutes of the API's time in one of ours. */
  readonly speed: number
}

/** One call's worth of documents. */
export interface Batch {
  readonly first: number
  readonly documents: number
  readonly tokens: number
}

export const perBatch = 50

/** Batches of about 5,000 tokens. */
export function batches({ first, documents }: Work): readonly Batch[] {
  const count = Math.ceil(documents / perBatch)
  return Array.from({ length: count }, (_, k) => {
    const start = first + k * perBatch
    const size = Math.min(perBatch, first + documents - start)
    return { first: start, documents: size, tokens: size * (70 + ((start * 7919) % 61)) }
  })
}
