import { DataError, messageOf } from '../errors/index.ts'
import { exactJsonLine } from '../formats/index.ts'
import type { Sink, SinkContext, Writer } from '../stream/sink.ts'
import { checkFilePath, GrowingFile } from './file.ts'

/**
 * Writes each element as a line of JSON. Nobody ever sees half a file: it has its name when it is complete, and
 * replaces what was there. Typed arrays and tensors become arrays; what JSON cannot hold (NaN, bigints) is refused.
 *
 * @throws InvalidArgumentError when `path` is no path of a file.
 */
export function jsonl(path: string): Sink<unknown> {
  checkFilePath('jsonl', path)
  return {
    name: `jsonl(${path})`,
    structure: { sink: 'jsonl', path },
    open: (context) => openLines(path, context),
    discard: (run) => GrowingFile.discard(path, run),
    missing: (state) => GrowingFile.missing(path, state),
  }
}

async function openLines(path: string, context: SinkContext): Promise<Writer<unknown>> {
  const file = await GrowingFile.open(path, context)
  return {
    write: ({ first }, elements) =>
      file.write(elements.map((x, k) => lineOf(x, first + k, path)).join('')),
    commit: (_, durable) => file.commit(durable),
    finish: () => file.finish(),
    abort: () => file.abort(),
  }
}

function lineOf(element: unknown, ordinal: number, path: string): string {
  try {
    return `${exactJsonLine(element)}\n`
  } catch (cause) {
    throw new DataError(`jsonl(${path}), element ${ordinal}: ${messageOf(cause)}`, { cause })
  }
}
