/** Messages as they fit: small ones as they are, large ones as a reference to parts in a store of their run. */
import type { Broker } from './port.ts'
import { decode, encode } from './codec.ts'
import { DataError } from '../errors/index.ts'
import type { partNames } from './names.ts'

/** Bytes of a message above which it goes by reference: half of what brokers take by default. */
export const INLINE_BYTES = 512 * 1024
/** Bytes of a part. */
const PART_BYTES = 512 * 1024
/** Parts that are read or written at once. */
const AT_ONCE = 4

/** Where a large message lies. */
export interface Reference {
  readonly blob: string
  readonly parts: number
}

type Envelope = { readonly inline: Uint8Array } | { readonly reference: Reference }

/** What is sent in place of `data`; the parts, if any, are kept first. `blob` names them within their run. */
export async function enclose(
  broker: Broker,
  names: ReturnType<typeof partNames>,
  blob: string,
  data: Uint8Array,
): Promise<Uint8Array> {
  if (data.length <= INLINE_BYTES) return encode({ inline: data } satisfies Envelope)
  const parts = Math.ceil(data.length / PART_BYTES)
  await several(parts, (k) => {
    const part = data.subarray(k * PART_BYTES, (k + 1) * PART_BYTES)
    const subject = names.subject(blob, k)
    return broker.keep(subject, part)
  })
  return encode({ reference: { blob, parts } } satisfies Envelope)
}

/** What was enclosed, and the blob that it lay in, for whoever forgets that. */
export async function disclose(
  broker: Broker,
  names: ReturnType<typeof partNames>,
  enclosed: Uint8Array,
): Promise<{ readonly data: Uint8Array; readonly blob?: string }> {
  const envelope = decode<Envelope>(enclosed)
  if ('inline' in envelope) return { data: envelope.inline }
  const { blob, parts } = envelope.reference
  const found: Uint8Array[] = []
  await several(parts, async (k) => {
    const part = await broker.kept(names.stream, names.subject(blob, k))
    if (part === undefined)
      throw new DataError(`part ${k} of ${blob} is not in the broker any more`)
    found[k] = part
  })
  return { data: Buffer.concat(found), blob }
}

async function several(count: number, each: (k: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await each(next++)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, lane))
}
