import type { RunEvent } from '../index.ts'
import type { RunningPipeline } from './pipeline.ts'

/** What a run was, when it is over. */
export interface Ending {
  readonly iteration: RunningPipeline
  readonly elements: number
  readonly seconds: number
  /** True when it was asked to stop. */
  readonly stopped: boolean
}

type Warning = Extract<RunEvent, { type: 'warning' }>

/** What `millstream run` tells on stderr beside progress. */
export interface Report {
  /** Told once for each thing to know about the pipeline. */
  warn(warning: Warning): void
  end(ending: Ending): void
}

/** Seconds from which it is worth a line to say what a run's time went into. */
const LONG = 5

/** For people. With `explain` the plan and what was measured. */
export class TextReport implements Report {
  readonly #explain: boolean

  constructor(explain: boolean) {
    this.#explain = explain
  }

  warn({ code, stage, at, message }: Warning): void {
    const clear = process.stderr.isTTY ? '\r\u001B[K' : ''
    const where = at === undefined ? stage : `${stage} (${at})`
    process.stderr.write(`${clear}warning: ${where} ${message} [${code}]\n`)
  }

  end({ iteration, elements, seconds, stopped }: Ending): void {
    if (this.#explain) process.stderr.write(`${iteration.explain?.() ?? ''}\n\n`)
    else if (seconds >= LONG) {
      const slowest = iteration.slowest?.()
      if (slowest !== undefined) process.stderr.write(`${slowest}\n`)
    }
    const after = stopped ? 'stopped after ' : ''
    process.stderr.write(`${after}${elements} elements in ${seconds.toFixed(1)} s\n`)
  }
}

/** For programs: one line of JSON each. */
export class JsonReport implements Report {
  warn(warning: Warning): void {
    process.stderr.write(`${JSON.stringify(warning)}\n`)
  }

  end({ iteration, elements, seconds, stopped }: Ending): void {
    const line = {
      type: 'end',
      elements,
      seconds: Number(seconds.toFixed(3)),
      stopped,
      skipped: iteration.skipped ?? 0,
      stages: iteration.metrics?.() ?? [],
      slowest: iteration.slowest?.() ?? null,
    }
    process.stderr.write(`${JSON.stringify(line)}\n`)
  }
}
