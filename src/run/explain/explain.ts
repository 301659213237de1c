import type { PlanNode } from '../../plan/node.ts'
import type { Tuner } from '../tune/tuner.ts'
import { changesOf, rewrite } from '../../rewrite/rewrite.ts'
import { adviceOn } from '../advice/advice.ts'
import { whyNotResumable } from '../checkpoint.ts'
import { codegenAllowed } from '../codegen.ts'
import { checkpointBytes, holding, paramsOf } from './estimate.ts'
import { Facts } from './facts.ts'
import { measuredRows, measuredTitle, type Measurement, verdict } from './measured.ts'
import { neighbourDistance, stretch } from './mixing.ts'
import { nodesIn, type Part, partsOf } from './parts.ts'
import { boundRows, tunedRows } from './tuned.ts'
import { about, bytes, count, head, percent, table, tail } from './text.ts'

/**
 * A plan in words: what was written, what was made of it, how it runs and what it holds, what a resume costs,
 * how well it shuffles, and what it should be warned of. Nothing is opened or read.
 */
export function explain(root: PlanNode, ran: Ran = {}): string {
  const written = new Facts(root, ran.measured?.outputs)
  const run = new Facts(ran.plan ?? rewrite(root), ran.measured?.outputs)
  const parts = partsOf(run.root)
  const sections: readonly Section[] = [
    ['plan', planRows(written), ['left', 'left', 'right']],
    ['rewritten', changeRows(run.root === root ? undefined : written, parts, run)],
    ['runs, in this thread where no place is named', partRows(parts, run)],
    ['shuffles', shuffleRows(run)],
    ['resume', resumeRows(root, written, parts, run)],
    ['warnings', warningRows(written)],
    ...(ran.measured === undefined ? [] : measuredSections(ran.measured)),
    ...(ran.tuner === undefined ? [] : tunedSections(ran.tuner)),
  ]
  return sections
    .filter(([, rows]) => rows.length > 0)
    .map(([title, rows, align]) => `${title}\n${table(rows, align)}`)
    .join('\n\n')
}

/** The run that is explained, if there was one. */
export interface Ran {
  /** The plan that ran. Default: the rewritten one. */
  readonly plan?: PlanNode
  readonly measured?: Measurement
  readonly tuner?: Tuner
}

type Section = readonly [
  title: string,
  rows: readonly (readonly string[])[],
  align?: readonly ('left' | 'right')[],
]

const NAME = 28
const PARAMS = 30
const PLACE = 24

function planRows(facts: Facts): string[][] {
  const rows = facts.items.map(({ node, depth, starts }) => {
    const mark = starts === undefined ? '' : `[${starts}]`
    const indent = depth === 0 ? '' : `${mark.padStart(4 * depth - 1)} `
    const elements = facts.cardinality(node)
    return [
      head(indent + node.id, NAME),
      head(paramsOf(node), PARAMS),
      elements === undefined ? '?' : count(elements),
      tail(node.at ?? '', PLACE),
    ]
  })
  return [['operator', 'parameters', 'elements', 'written at'], ...rows]
}

function changeRows(written: Facts | undefined, parts: readonly Part[], run: Facts): string[][] {
  const changes =
    written === undefined
      ? []
      : changesOf(written.root).map(({ node, why }) => [written.nameOf(node), why])
  const moved = parts.flatMap(({ segment }) =>
    (segment?.views ?? []).map(({ node }) => [
      run.nameOf(node),
      `works on positions of ${run.nameOf(segment?.input ?? node)}: what it leaves out is not made`,
    ]),
  )
  return [...changes, ...moved]
}

function partRows(parts: readonly Part[], facts: Facts): string[][] {
  let segments = 0
  return parts.map((part) => {
    const held = holding(part, facts)
    const memory = held?.bytes === undefined ? '' : `, about ${bytes(held.bytes)}`
    const holds =
      held === undefined ? [] : [`holds up to ${count(held.elements)} elements${memory}`]
    if (part.segment !== undefined) {
      const how = codegenAllowed()
        ? 'generated'
        : 'interpreted: this process forbids generated code'
      const names = nodesIn(part).map((node) => facts.nameOf(node))
      return [`segment ${++segments}`, `one loop, ${how}: ${names.join(', ')}`]
    }
    const { runs } = facts.traits(part.node)
    const says = [...(runs === undefined ? [] : [runs]), ...holds]
    return [facts.nameOf(part.node), says.join('; ') || 'hands on chunks']
  })
}

function shuffleRows(facts: Facts): string[][] {
  return facts.items.flatMap(({ node, name }): string[][] => {
    if (node.op === 'globalShuffle')
      return [[name, 'a random order of all elements, without a buffer']]
    const { size } = node.params as { readonly size?: unknown }
    if (node.op !== 'shuffle' || typeof size !== 'number') return []
    return [[name, mixingText(size, facts.cardinality(node))]]
  })
}

function mixingText(size: number, length: number | undefined): string {
  if (length === undefined || length === Infinity) {
    return (
      `95 % of a batch come from a stretch of about ${about(3 * size)} elements; how well that mixes depends on ` +
      'their number, which is not known'
    )
  }
  if (size >= length) return `the buffer holds all ${count(length)} elements: a full shuffle`
  const share = stretch(size, length) / length
  const apart = neighbourDistance(size, length)
  return (
    `a buffer of ${percent(size / length)} of ${count(length)}: neighbours come out about ${about(apart)} apart, ` +
    `after a full shuffle ${about(length / 3)}${share < 1 ? `; 95 % of a batch come from ${percent(share)} of the input` : ''}`
  )
}

function resumeRows(
  root: PlanNode,
  written: Facts,
  parts: readonly Part[],
  run: Facts,
): string[][] {
  const refused = whyNotResumable(root)
  if (refused !== undefined) return [['no', refused.message]]
  const size = bytes(Math.max(100, checkpointBytes(written.items.length, parts, run)))
  const costs = parts.flatMap((part) => {
    const text = resumeText(part, run)
    return text === undefined ? [] : [[run.nameOf(part.node), text]]
  })
  return [['yes', `at any element; a checkpoint takes about ${size}`], ...costs]
}

function resumeText({ node, segment }: Part, facts: Facts): string | undefined {
  if (segment !== undefined) return undefined
  const { resume, rereads } = facts.traits(node)
  if (rereads === undefined) return resume
  const reads = `re-reads about ${about(rereads)} elements`
  return resume === undefined ? reads : `${reads}; ${resume}`
}

function warningRows(facts: Facts): string[][] {
  return adviceOn(facts).map(({ code, stage, at, message }) => [
    code,
    `${stage}${at === undefined ? '' : ` (${at})`} ${message}.`,
  ])
}

function measuredSections(measured: Measurement): Section[] {
  const says = verdict(measured)
  const right = ['left', 'right', 'right', 'right', 'right'] as const
  return [
    [measuredTitle(measured.timing), measuredRows(measured), right],
    ['slowest', says === undefined ? [] : [[says]]],
  ]
}

function tunedSections(tuner: Tuner): Section[] {
  return [
    ['set by the run', tunedRows(tuner), ['left', 'right', 'left']],
    ['bound', boundRows(tuner)],
  ]
}
