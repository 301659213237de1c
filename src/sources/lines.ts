import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { DataError, messageOf } from '../errors/index.ts'

/** Bytes of a block, and of one read. */
const BLOCK = 256 * 1024

/** Where a block of lines begins: bytes before it, and lines. */
export interface LinePlace {
  readonly [name: string]: number
  readonly offset: number
  readonly line: number
}

/** Some neighbouring lines of a file. */
export interface LineBlock {
  readonly lines: readonly string[]
  /** Number of the first line, from 1. */
  readonly first: number
  /** The place behind it; undefined in compressed files, which can only be read from their start. */
  readonly behind: LinePlace | undefined
}

/**
 * The lines of a text file, in blocks that follow from the place where the first one begins: a reader that goes on
 * behind a block meets the same ones. Files whose names end in `.gz` are unpacked.
 *
 * @throws DataError when the file cannot be read or unpacked.
 */
export async function* readLines(
  path: string,
  from: LinePlace,
  signal: AbortSignal,
): AsyncGenerator<LineBlock> {
  const packed = path.endsWith('.gz')
  let { offset, line } = from
  for await (const bytes of blocksOf(bytesOf(path, packed, offset, signal), path)) {
    const lines = linesOf(bytes, offset === 0)
    const first = line + 1
    offset += bytes.length
    line += lines.length
    yield { lines, first, behind: packed ? undefined : { offset, line } }
  }
}

async function* bytesOf(
  path: string,
  packed: boolean,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { start, highWaterMark: BLOCK })
  const stream: Readable = packed ? createGunzip({ chunkSize: BLOCK }) : file
  // What goes wrong reaches the reader of `stream`, which is destroyed with it.
  const flow = packed ? pipeline(file, stream as ReturnType<typeof createGunzip>) : undefined
  flow?.catch(() => undefined)
  const stop = (): void => void file.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    yield* stream as AsyncIterable<Buffer>
  } catch (cause) {
    if (!signal.aborted) throw new DataError(`cannot read ${path}: ${messageOf(cause)}`, { cause })
  } finally {
    signal.removeEventListener('abort', stop)
    file.destroy()
    stream.destroy()
  }
}

/** Whole lines, as many as fit into a block, or one that is longer. */
async function* blocksOf(parts: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let size = 0
  let wanted = BLOCK
  for await (const part of parts) {
    rest.push(part)
    size += part.length
    while (size >= wanted) {
      const bytes = Buffer.concat(rest)
      const end = bytes.lastIndexOf(LINE_FEED, wanted - 1) + 1
      if (end === 0) {
        // One line that is longer than all of it.
        if (wanted >= LONGEST)
          throw new DataError(`${path} has a line of more than ${LONGEST} bytes`)
        wanted *= 2
      } else {
        yield bytes.subarray(0, end)
        wanted = BLOCK
      }
      rest = [bytes.subarray(end)]
      size = bytes.length - end
    }
  }
  if (size > 0) yield Buffer.concat(rest)
}

const LINE_FEED = 10
/** Strings cannot be longer than about twice that. */
const LONGEST = 256 * 1024 * 1024

function linesOf(bytes: Buffer, atStart: boolean): string[] {
  const text = bytes.toString('utf8')
  const lines = (atStart && text.startsWith('\u{FEFF}') ? text.slice(1) : text).split('\n')
  if (lines.at(-1) === '') lines.pop() // the text behind the last line feed is no line
  if (text.includes('\r')) {
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  }
  return lines
}
