/** Where progress is written: a terminal, or a stream of lines. */
export interface ProgressStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** How progress is shown. */
export interface ProgressOptions {
  /** What is being done, such as `decode`. */
  readonly label: string
  /** How much there is to do, where it is known. */
  readonly total?: number
  /** How much was done before it began, of the total. Default 0. */
  readonly from?: number
  /** What is counted. Default 'items'; 'bytes' are written as MB. */
  readonly unit?: string
  /** Default: stderr. */
  readonly stream?: ProgressStream
  /** Milliseconds between lines where there is no terminal. Default 5,000. */
  readonly interval?: number
}

const redrawEvery = 100
const barWidth = 24

/**
 * Progress with rate and time left: one line redrawn in place on a terminal, a plain line at intervals
 * elsewhere. Call `update` as often as you like.
 */
export class Progress {
  readonly #label: string
  readonly #total: number | undefined
  readonly #unit: string
  readonly #stream: ProgressStream
  readonly #interval: number
  readonly #start = performance.now()
  readonly #from: number
  #done: number
  #note = ''
  #shown = -Infinity
  #ended = false
  /** Rate over the last seconds, which tells more about the rest than the rate since the start. */
  #rate: number | undefined
  #sample: { time: number; done: number }

  constructor(options: ProgressOptions) {
    this.#label = options.label
    this.#total = options.total
    this.#unit = options.unit ?? 'items'
    this.#from = this.#done = options.from ?? 0
    this.#sample = { time: this.#start, done: this.#from }
    this.#stream = options.stream ?? process.stderr
    const terminal = this.#stream.isTTY === true
    this.#interval = terminal ? redrawEvery : (options.interval ?? 5_000)
    // Without a terminal a first line at once would say nothing yet.
    if (!terminal) this.#shown = this.#start
  }

  /** `done` of the total are done; `note` stands at the end of the line. */
  update(done: number, note = this.#note): void {
    if (this.#ended) return
    this.#done = done
    this.#note = note
    const now = performance.now()
    if (now - this.#shown < this.#interval) return
    this.#shown = now
    this.#measure(now)
    this.#draw(this.#line(now))
  }

  /** Writes the last line, with the time it all took. Safe to call twice. */
  end(note = this.#note): void {
    if (this.#ended) return
    this.#ended = true
    const seconds = (performance.now() - this.#start) / 1_000
    const rate = seconds > 0 ? ` at ${this.#amount((this.#done - this.#from) / seconds)}/s` : ''
    const text = `${this.#label}  ${this.#amount(this.#done)} in ${duration(seconds)}${rate}`
    this.#draw(note === '' ? text : `${text}  ${note}`, '\n')
  }

  #measure(now: number): void {
    const seconds = (now - this.#sample.time) / 1_000
    if (seconds < 0.5) return
    const rate = (this.#done - this.#sample.done) / seconds
    this.#rate = this.#rate === undefined ? rate : 0.7 * this.#rate + 0.3 * rate
    this.#sample = { time: now, done: this.#done }
  }

  #line(now: number): string {
    const seconds = (now - this.#start) / 1_000
    const rate = this.#rate ?? (seconds > 0 ? (this.#done - this.#from) / seconds : 0)
    const parts = [this.#label]
    if (this.#total === undefined) parts.push(this.#amount(this.#done))
    else {
      if (this.#stream.isTTY === true) parts.push(bar(this.#done / this.#total))
      parts.push(`${this.#amount(this.#done, false)}/${this.#amount(this.#total)}`)
    }
    parts.push(`${this.#amount(rate)}/s`)
    if (this.#total !== undefined && rate > 0) {
      parts.push(`ETA ${duration((this.#total - this.#done) / rate)}`)
    }
    if (this.#note !== '') parts.push(this.#note)
    return parts.join('  ')
  }

  #amount(n: number, named = true): string {
    if (this.#unit === 'bytes') return `${(n / 1e6).toFixed(1)}${named ? ' MB' : ''}`
    const text = n >= 100 || Number.isInteger(n) ? Math.round(n).toLocaleString('en') : n.toFixed(1)
    return named ? `${text} ${this.#unit}` : text
  }

  #draw(line: string, end = ''): void {
    if (this.#stream.isTTY !== true) {
      this.#stream.write(`${line}\n`)
      return
    }
    // Wider than the terminal it would wrap, and the next redraw would leave a line behind.
    const room = Math.max(20, (this.#stream.columns ?? 80) - 1)
    this.#stream.write(`\r\u001B[K${line.slice(0, room)}${end}`)
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * barWidth)
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)}`
}

/** Seconds as `42 s`, `3:05` or `1:02:03`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?'
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const pad = (n: number): string => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`
}
