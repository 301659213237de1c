import { open } from 'node:fs/promises'
import { InvalidArgumentError, messageOf } from '../../errors/index.ts'
import type { ChangeKey } from '../../stream/changes.ts'
import { describe } from '../../tensor/index.ts'
import { lost } from './append-file.ts'
import type { Half } from './key-table.ts'

/** The element went through. */
export const PASSED = 1
/** It is taken over from an earlier pass, that did not bring it to its end. */
export const UNSURE = 2

/** One element in the notes of a pass. */
export interface Note {
  readonly flags: number
  readonly key: Half
  readonly by: Half
}

/** [length of the text << 2 | flags, key, by], then the key as text. */
const HEAD = 20
const BLOCK = 1024 * 1024

/** A note as bytes. */
export function bytesOf({ flags, key, by }: Note, text: string): Buffer {
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(HEAD + length)
  bytes.writeUInt32LE(length * 4 + flags, 0)
  bytes.writeUInt32LE(key.high, 4)
  bytes.writeUInt32LE(key.low, 8)
  bytes.writeUInt32LE(by.high, 12)
  bytes.writeUInt32LE(by.low, 16)
  bytes.write(text, HEAD)
  return bytes
}

/**
 * Reads the first `bytes` of the notes of a pass; `text` gives the key as text.
 *
 * @throws CheckpointMismatchError when they are not there any more.
 */
export async function readNotes(
  path: string,
  bytes: number,
  read: (note: Note, text: () => string) => void | Promise<void>,
): Promise<void> {
  if (bytes === 0) return
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw lost(path, messageOf(cause), cause)
  })
  try {
    let block = Buffer.alloc(0)
    for (let at = 0; at < bytes;) {
      const more = Buffer.allocUnsafe(Math.min(BLOCK, bytes - at))
      const { bytesRead } = await handle.read(more, 0, more.length, at)
      if (bytesRead === 0) throw lost(path, `it has ${at} of ${bytes} bytes`)
      at += bytesRead
      block = Buffer.concat([block, more.subarray(0, bytesRead)])
      block = block.subarray(await readBlock(block, read))
    }
    if (block.length > 0) throw lost(path, 'it ends within a note')
  } finally {
    await handle.close()
  }
}

/** Bytes of the whole notes in a block. */
async function readBlock(
  block: Buffer,
  read: (note: Note, text: () => string) => void | Promise<void>,
): Promise<number> {
  let at = 0
  while (at + HEAD <= block.length) {
    const head = block.readUInt32LE(at)
    const from = at + HEAD
    const end = from + (head >>> 2)
    if (end > block.length) break
    const note = {
      flags: head & 3,
      key: { high: block.readUInt32LE(at + 4), low: block.readUInt32LE(at + 8) },
      by: { high: block.readUInt32LE(at + 12), low: block.readUInt32LE(at + 16) },
    }
    const waiting = read(note, () => block.toString('utf8', from, end))
    if (waiting !== undefined) await waiting
    at = end
  }
  return at
}

/** Half of a digest, which is text of a byte each. */
export function halfOf(digest: string): Half {
  return { high: wordAt(digest, 0), low: wordAt(digest, 4) }
}

function wordAt(digest: string, at: number): number {
  const code = (k: number): number => digest.charCodeAt(at + k)
  return ((code(0) << 24) | (code(1) << 16) | (code(2) << 8) | code(3)) >>> 0
}

/** A key as text. @throws InvalidArgumentError for what cannot name an element. */
export function textOfKey(key: unknown): string {
  if (Array.isArray(key) && key.length > 0) {
    return `[${key.map((part) => textOfPart(part)).join(',')}]`
  }
  return textOfPart(key)
}

function textOfPart(key: unknown): string {
  switch (typeof key) {
    case 'string':
    case 'boolean':
      return JSON.stringify(key)
    case 'number':
      if (Number.isFinite(key)) return JSON.stringify(key)
      break
    case 'bigint':
      return `{"bigint":"${key}"}`
    default:
  }
  throw new InvalidArgumentError(
    `key must give a text, a number, a boolean, or an array of them, not ${describe(key)}`,
  )
}

/** The key that a text stands for. */
export function keyOfText(text: string): ChangeKey {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'object' && value !== null && 'bigint' in value
      ? BigInt(String(value.bigint))
      : value,
  ) as ChangeKey
}
