/** One subject in a process of its own, for `overhead`: runs when it is told to. */
import { time } from '../harness.ts'
import { subjects } from './overhead-subjects.ts'
import { others, type Shape, Tally } from './overhead-work.ts'

/** What the process is started for. */
export interface Setting {
  readonly subject: string
  readonly shape: Shape
  /** Whether other pipelines run first, as in a program that does more than one thing. */
  readonly mega: boolean
}

export interface Result {
  readonly ns: number
  readonly check: string
}

async function main({ subject: name, shape, mega }: Setting): Promise<void> {
  const subject = await subjects[name]?.()
  if (subject === undefined) throw new Error(`no subject ${name}`)
  const own = subject.size / 100
  for (let times = 0; mega && times < 3; times++) {
    for (const work of others) await subject.other(work, own)
  }
  process.on('message', (n: number) => {
    const tally = new Tally()
    void time(() => subject.run(shape, n, tally)).then((ms) => {
      process.send?.({ ns: (ms * 1e6) / n, check: tally.check } satisfies Result)
    })
  })
  process.send?.(subject.size)
}

process.on('disconnect', () => process.exit())
await main(JSON.parse(process.argv[2] ?? '{}') as Setting)
