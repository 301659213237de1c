import { type ChangeCounts, messageOf, redact, type RunEvent, type RunSummary } from '../index.ts'
import { Progress } from '../ui/index.ts'
import type { RunnablePipeline } from './pipeline.ts'

/** Tells on stderr how a run into a sink goes. */
export interface PipelineReport {
  event(event: RunEvent): void
  done(summary: RunSummary): void
  /** It ended early: by an error that is told elsewhere, or by a signal. */
  stopped(error: unknown): void
}

/** Milliseconds between lines where nobody looks on. */
const LINE_EVERY = 10_000

/** For people, or for programs as lines of JSON. */
export function reportFor(json: boolean, pipeline: RunnablePipeline): PipelineReport {
  return json ? new JsonReport(pipeline) : new TextReport(pipeline)
}

/** What is told of every run: where it stands, and what went wrong on the way. */
class Standing {
  delivered = 0
  skipped = 0
  dead = 0
  cached = 0
  spent: Readonly<Record<string, number>> = {}
  resumedAt: number | undefined

  take(event: RunEvent): void {
    if (event.type !== 'position') return
    this.resumedAt ??= event.delivered
    this.delivered = event.delivered
    this.skipped = event.skipped
    this.dead = event.dead
    this.cached = event.cached ?? 0
    this.spent = event.spent ?? {}
  }

  /** Such as `3 skipped, 1 dead letter, 12 cached, 0.25 usd`; empty when there is nothing to tell. */
  get notes(): string {
    const parts = []
    if (this.skipped > 0) parts.push(`${this.skipped} skipped`)
    if (this.dead > 0) parts.push(`${this.dead} dead letter${this.dead === 1 ? '' : 's'}`)
    if (this.cached > 0) parts.push(`${this.cached} cached`)
    for (const [meter, amount] of Object.entries(this.spent)) {
      parts.push(`${Number(amount.toPrecision(6))} ${meter}`)
    }
    return parts.join(', ')
  }
}

class TextReport implements PipelineReport {
  readonly #sink: string
  readonly #total: number | undefined
  readonly #standing = new Standing()
  #progress: Progress | undefined

  constructor(pipeline: RunnablePipeline) {
    this.#sink = pipeline.sink.name
    this.#total = pipeline.cardinality()
  }

  event(event: RunEvent): void {
    if (event.type === 'warning') {
      const at = event.at === undefined ? '' : ` (${event.at})`
      this.#line(`warning: ${event.stage}${at} ${event.message} [${event.code}]`)
    }
    if (event.type !== 'position') return
    this.#standing.take(event)
    if (this.#progress === undefined) this.#begin()
    this.#progress?.update(event.delivered, this.#standing.notes)
  }

  done(summary: RunSummary): void {
    this.#clear()
    if (summary.alreadyDone) {
      this.#line(
        `already done: ${summary.delivered} elements in ${this.#sink}; --restart runs it anew`,
      )
      return
    }
    this.#standing.take({
      type: 'position',
      delivered: summary.delivered,
      skipped: summary.skipped,
      dead: summary.deadLetters,
      cached: summary.cached,
      spent: summary.spent,
    })
    const { explained, slowest, delivered, resumedAt, seconds, changes } = summary
    if (explained !== undefined) this.#line(`${explained}\n`)
    const { notes } = this.#standing
    const rate = Math.round((delivered - resumedAt) / Math.max(seconds, 0.001))
    const also = notes === '' ? '' : `, ${notes}`
    this.#line(`${delivered} elements in ${this.#sink}, ${seconds.toFixed(1)} s, ${rate}/s${also}`)
    if (changes !== undefined) this.#line(changesLine(changes))
    if (slowest !== undefined) this.#line(slowest)
  }

  stopped(): void {
    this.#clear()
    const { delivered, resumedAt } = this.#standing
    if (resumedAt !== undefined) this.#line(`stopped at ${delivered}; run it again to go on there`)
  }

  #begin(): void {
    const { delivered, resumedAt } = this.#standing
    if (resumedAt !== undefined && resumedAt > 0) this.#line(`resumed at ${resumedAt}`)
    this.#progress = new Progress({
      label: this.#sink,
      unit: 'elements',
      interval: LINE_EVERY,
      from: delivered,
      ...(this.#total !== undefined && Number.isFinite(this.#total) && { total: this.#total }),
    })
  }

  #clear(): void {
    if (process.stderr.isTTY && this.#progress !== undefined) process.stderr.write('\r\u001B[K')
  }

  #line(text: string): void {
    this.#clear()
    process.stderr.write(`${text}\n`)
  }
}

/** Such as `990 unchanged, 3 new, 7 changed; 3 pruned`. */
function changesLine({
  unchanged,
  added,
  changed,
  deleted,
  pruned,
  complete,
}: ChangeCounts): string {
  const gone = !complete
    ? '; elements were left out or the source was read in parts: none counts as deleted'
    : deleted === 0
      ? ''
      : pruned > 0
        ? `; ${pruned} pruned`
        : `; ${deleted} deleted, which the sink keeps`
  return `${unchanged} unchanged, ${added} new, ${changed} changed${gone}`
}

/** One event a line: `start`, `progress`, `warning`, `end` or `error`. */
class JsonReport implements PipelineReport {
  readonly #pipeline: RunnablePipeline
  readonly #standing = new Standing()
  #last = 0
  #lastDelivered = 0

  constructor(pipeline: RunnablePipeline) {
    this.#pipeline = pipeline
  }

  event(event: RunEvent): void {
    if (event.type === 'warning') this.#write({ ...event })
    if (event.type !== 'position') return
    const first = this.#standing.resumedAt === undefined
    this.#standing.take(event)
    if (first) this.#start(event.delivered)
    else if (performance.now() - this.#last >= 1_000) this.#progress()
  }

  done(summary: RunSummary): void {
    this.#write({ type: 'end', sink: this.#pipeline.sink.name, ...summary })
  }

  stopped(error: unknown): void {
    const { delivered, skipped, dead } = this.#standing
    const why = error === undefined ? {} : { code: codeOf(error), message: messageOf(error) }
    const type = error === undefined ? 'stopped' : 'error'
    this.#write({ type, delivered, skipped, deadLetters: dead, ...why })
  }

  #start(resumedAt: number): void {
    this.#last = performance.now()
    this.#lastDelivered = resumedAt
    const total = this.#pipeline.cardinality()
    this.#write({ type: 'start', sink: this.#pipeline.sink.name, resumedAt, total: total ?? null })
  }

  #progress(): void {
    const now = performance.now()
    const { delivered, skipped, dead, cached, spent } = this.#standing
    const rate = ((delivered - this.#lastDelivered) * 1000) / (now - this.#last)
    const total = this.#pipeline.cardinality()
    const seconds = total === undefined || rate === 0 ? null : (total - delivered) / rate
    this.#last = now
    this.#lastDelivered = delivered
    this.#write({
      type: 'progress',
      delivered,
      skipped,
      deadLetters: dead,
      cached,
      spent,
      rate,
      secondsLeft: seconds !== null && Number.isFinite(seconds) ? seconds : null,
    })
  }

  #write(event: { readonly type: string; readonly [name: string]: unknown }): void {
    process.stderr.write(`${redact(JSON.stringify(event))}\n`)
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null
}
