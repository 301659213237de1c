/**
 * The protocol of runs and workers in a world of its own: a virtual clock, a broker that forgets, a network that loses,
 * doubles, delays and reorders, and workers that crash or freeze, all by the hash of a seed. The ledger and the duties are
 * the real ones; what does their instructions is this file.
 */
import { Duty, type DutyEvent } from '../../src/cluster/duty.ts'
import { Ledger, type LedgerEvent } from '../../src/cluster/ledger.ts'
import { hash, hashUnit } from '../../src/stream/random.ts'

export interface Schedule {
  readonly seed: number
  /** A negative control: the run takes whatever comes, without asking whether the chunk is under way. */
  readonly withoutIds?: boolean
}

/** What a schedule came to. */
export interface Came {
  /** Chunks in the order in which they were handed on. */
  readonly out: readonly number[]
  readonly crashes: number
  /** Results that were brought more than once. */
  readonly repeated: number
  /** Chunks of which the broker lost the message. */
  readonly lost: number
}

/** Chunks of a schedule. */
export const CHUNKS = 40
const WORKERS = 3
const ACK_WAIT = 100
const MAX_DELIVERIES = 1e9
/** Behind this moment nothing fails any more, so that all must end. */
const CALM = 3_000
const TOO_LATE = 100_000

interface Message {
  readonly id: string
  deliveries: number
  /** When it is given to another one; 0 while nobody has it. */
  due: number
}

interface Running {
  readonly duty: Duty
  readonly message: Message
  readonly delivery: number
}

interface Worker {
  /** Counts its lives: what an earlier one began is gone. */
  life: number
  running: Running | undefined
  frozenUntil: number
}

/** Runs one schedule to its end. */
export function simulate({ seed, withoutIds = false }: Schedule): Came {
  return new World(seed, withoutIds).run()
}

class World {
  readonly #seed: number
  readonly #withoutIds: boolean
  readonly #ledger = new Ledger({ jobs: 8, bytes: 1e9 })
  readonly #workers: Worker[] = Array.from({ length: WORKERS }, () => ({
    life: 0,
    running: undefined,
    frozenUntil: 0,
  }))
  readonly #agenda: { readonly at: number; readonly n: number; readonly act: () => void }[] = []
  readonly #settled = new Map<string, number>()
  readonly #out: number[] = []
  readonly #ready = new Map<number, number>()
  #queue = new Map<string, Message>()
  #seen = new Set<string>()
  #brokerUp = true
  #now = 0
  #draws = 0
  #events = 0
  #crashes = 0
  #repeated = 0
  #lost = 0

  constructor(seed: number, withoutIds: boolean) {
    this.#seed = seed
    this.#withoutIds = withoutIds
  }

  run(): Came {
    for (let k = 0; k < CHUNKS; k++)
      this.#at(k, () => this.#step({ type: 'submit', id: `${k}`, bytes: 1 }))
    for (let w = 0; w < WORKERS; w++) this.#at(w, () => this.#pull(w))
    for (let k = 0; k < 12; k++) this.#at(this.#draw() * CALM, () => this.#fault())
    this.#at(2 * ACK_WAIT, () => this.#look())
    while (this.#out.length < CHUNKS && this.#now < TOO_LATE) {
      const next = this.#agenda.shift()
      if (next === undefined) break
      this.#now = next.at
      next.act()
    }
    const [crashes, repeated, lost] = [this.#crashes, this.#repeated, this.#lost]
    return { out: this.#out, crashes, repeated, lost }
  }

  /** The run. */
  #step(event: LedgerEvent): void {
    for (const instruction of this.#ledger.step(event)) {
      if (instruction.do === 'send') this.#send(instruction.id, instruction.round)
      else if (instruction.do === 'settle') this.#settle(instruction.id)
      else {
        const { audit } = instruction
        this.#travel(() => {
          if (!this.#brokerUp) return
          const ids = new Set(this.#queue.keys())
          this.#travel(() => this.#step({ type: 'listed', audit, ids }))
        })
      }
    }
  }

  #send(id: string, round: number): void {
    let answered = false
    this.#travel(() => {
      if (!this.#brokerUp) return
      const name = `${id}-${round}`
      if (!this.#seen.has(name)) this.#queue.set(id, { id, deliveries: 0, due: 0 })
      this.#seen.add(name)
      this.#travel(() => {
        answered = true
        this.#step({ type: 'stored', id, round })
      })
    })
    this.#after(150, () => {
      if (!answered) this.#step({ type: 'unsure', id, round })
    })
  }

  #settle(id: string): void {
    const before = this.#settled.get(id) ?? 0
    this.#settled.set(id, before + 1)
    // The work edge: results wait for their turn.
    this.#ready.set(Number(id), before + 1)
    for (let k = this.#out.length; this.#ready.has(k); k++) this.#out.push(k)
    if (before > 0) this.#out.push(Number(id))
  }

  /** Looks for chunks that the broker lost, as runs do after a silence and when they are connected again. */
  #look(): void {
    this.#step({ type: 'doubt' })
    this.#after(2 * ACK_WAIT, () => this.#look())
  }

  /** A worker asks for work until it is given some. */
  #pull(w: number): void {
    const worker = this.#workers[w]
    if (worker === undefined || worker.running !== undefined) return
    const { life } = worker
    this.#after(5, () => {
      if (worker.life !== life || worker.running !== undefined) return
      const message = this.#now < worker.frozenUntil ? undefined : this.#give()
      if (message === undefined) {
        this.#pull(w)
        return
      }
      this.#travel(() => this.#deliver(w, life, message, message.deliveries))
      this.#pull(w)
    })
  }

  #give(): Message | undefined {
    if (!this.#brokerUp) return undefined
    for (const message of this.#queue.values()) {
      if (message.due > this.#now) continue
      message.due = this.#now + ACK_WAIT
      message.deliveries++
      return message
    }
    return undefined
  }

  #deliver(w: number, life: number, message: Message, deliveries: number): void {
    const worker = this.#workers[w]
    if (worker === undefined || worker.life !== life || worker.running !== undefined) return
    const duty = new Duty(MAX_DELIVERIES)
    worker.running = { duty, message, delivery: deliveries }
    this.#do(w, life, { type: 'delivered', deliveries, elements: 1 })
  }

  #do(w: number, life: number, event: DutyEvent): void {
    const worker = this.#workers[w]
    if (worker?.running === undefined || worker.life !== life) return
    if (this.#now < worker.frozenUntil) {
      this.#after(worker.frozenUntil - this.#now, () => this.#do(w, life, event))
      return
    }
    const { duty, message, delivery } = worker.running
    const instruction = duty.step(event)
    switch (instruction.do) {
      case 'work':
        this.#after(1 + this.#draw() * 60, () => this.#do(w, life, { type: 'worked' }))
        return
      case 'bring':
        this.#bring(w, life, message.id)
        return
      case 'bringAgain':
        this.#after(20, () => this.#bring(w, life, message.id))
        return
      case 'acknowledge':
        this.#travel(() => this.#acknowledge(message))
        break
      case 'return':
        if (message.deliveries === delivery) message.due = 0
        break
      case 'drop':
        break
    }
    worker.running = undefined
    this.#pull(w)
  }

  #bring(w: number, life: number, id: string): void {
    let answered = false
    this.#travel(() => {
      if (!this.#brokerUp) return
      if (this.#settled.has(id)) {
        this.#repeated++
        if (this.#withoutIds) this.#settle(id)
      }
      this.#step({ type: 'result', id })
      this.#travel(() => {
        if (answered) return
        answered = true
        this.#do(w, life, { type: 'taken' })
      })
    })
    this.#after(80, () => {
      if (answered) return
      answered = true
      this.#do(w, life, { type: 'unanswered' })
    })
  }

  #acknowledge(message: Message): void {
    if (this.#brokerUp && this.#queue.get(message.id) === message) this.#queue.delete(message.id)
  }

  #fault(): void {
    const what = this.#draw()
    const w = Math.floor(this.#draw() * WORKERS)
    const worker = this.#workers[w]
    if (worker === undefined) return
    if (what < 0.5) {
      this.#crashes++
      worker.life++
      worker.running = undefined
      this.#after(10, () => this.#pull(w))
    } else if (what < 0.7) {
      worker.frozenUntil = this.#now + 3 * ACK_WAIT * this.#draw()
    } else {
      // The broker dies, and comes back with what it had, or with nothing.
      if (what < 0.9) this.#lost += this.#queue.size
      if (what < 0.9) this.#queue = new Map()
      if (what < 0.8) this.#seen = new Set()
      for (const message of this.#queue.values()) message.due = 0
      this.#brokerUp = false
      this.#after(100 * this.#draw(), () => (this.#brokerUp = true))
    }
  }

  /** A message is on its way: it may be lost, come twice, or late. */
  #travel(arrive: () => void): void {
    const calm = this.#now > CALM
    if (!calm && this.#draw() < 0.1) return
    const copies = !calm && this.#draw() < 0.1 ? 2 : 1
    for (let k = 0; k < copies; k++) {
      const late = !calm && this.#draw() < 0.05
      this.#after(late ? this.#draw() * 3 * ACK_WAIT : 1 + this.#draw() * 4, arrive)
    }
  }

  #after(ms: number, act: () => void): void {
    this.#at(this.#now + ms, act)
  }

  #at(at: number, act: () => void): void {
    const entry = { at, n: this.#events++, act }
    let k = this.#agenda.length
    while (k > 0 && (this.#agenda[k - 1]?.at ?? 0) > at) k--
    this.#agenda.splice(k, 0, entry)
  }

  #draw(): number {
    return hashUnit(hash(this.#seed, this.#draws++), 0)
  }
}
