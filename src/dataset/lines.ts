import { DataError, messageOf } from '../errors/index.ts'
import type { At, PlanNode } from '../plan/node.ts'
import { type LineBlock, readLines } from '../sources/lines.ts'
import type { Dataset } from './dataset.ts'
import { mapNode } from './map.ts'
import { flatMapNode } from './nested.ts'
import { generatorNode, listFilesNode } from './sources.ts'
import type { ValidateOptions } from './validate.ts'

/** What becomes of lines that are no JSON: as in `map`. */
export type JsonlOptions = Pick<ValidateOptions, 'onError' | 'maxErrors'>

/** A line and where it stands: what a dead letter of `jsonl` shows. */
interface Line {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** Makes a dataset of a plan. */
type FromNode = <T>(node: PlanNode) => Dataset<T>

/** Lines of the files that match: a dataset for each file, one behind the other. */
export function linesNode(patterns: string | readonly string[], make: FromNode, at: At): PlanNode {
  return blocksNode(patterns, ({ lines }) => lines, make, at)
}

/** As `linesNode`, each line parsed; empty ones are left out. */
export function jsonlNode(
  patterns: string | readonly string[],
  options: JsonlOptions,
  make: FromNode,
  at: At,
): PlanNode {
  const toLines = ({ lines, first }: LineBlock, file: string): readonly Line[] =>
    lines.flatMap((text, k) => (text.trim() === '' ? [] : { file, line: first + k, text }))
  return mapNode(blocksNode(patterns, toLines, make, at), parsed, options, at)
}

function blocksNode<T>(
  patterns: string | readonly string[],
  toItems: (block: LineBlock, file: string) => readonly T[],
  make: FromNode,
  at: At,
): PlanNode {
  const start = { offset: 0, line: 0 }
  const read = (file: string): Dataset<T> => {
    const blocks = generatorNode<LineBlock>(
      (signal, from) => readLines(file, from, signal),
      { start, cursor: ({ behind }) => behind },
      at,
    )
    const toOwn = (block: LineBlock): readonly T[] => toItems(block, file)
    return make(flatMapNode(blocks, toOwn, at, (block, items) => originOf(file, block, items)))
  }
  return flatMapNode(listFilesNode(patterns, {}, at), read, at)
}

/** Names lines. Where empty ones were left out, items know their number. */
function originOf(
  file: string,
  { lines, first }: LineBlock,
  items: readonly unknown[],
): (k: number) => string {
  if (items.length === lines.length) return (k) => `${file}:${first + k}`
  return (k) => `${file}:${(items[k] as Line).line}`
}

function parsed({ file, line, text }: Line): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const mend = "mend the line, or leave such lines out: { onError: 'skip' }"
    throw new DataError(`${file}:${line} is no JSON: ${messageOf(cause)}; ${mend}`, { cause })
  }
}
