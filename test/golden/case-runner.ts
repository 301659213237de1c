import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { GoldenCase } from './cases.ts'
import { failed, type Outcome } from './outcome.ts'

/** Milliseconds a case may take. */
const limit = 10_000
/** Where the peer itself never returns, to answer at all is the point. */
const answerLimit = 5_000
/** The first case waits for modules to be compiled. */
const startLimit = 60_000

/** Runs cases one after the other in another process, a new one after each that hung or died. */
export class CaseRunner {
  #child: ChildProcess | undefined

  async run(golden: GoldenCase): Promise<Outcome> {
    const child = (this.#child ??= await start())
    return new Promise((resolve) => {
      const settle = (outcome: Outcome, over: boolean): void => {
        clearTimeout(timer)
        child.removeAllListeners()
        if (over) this.close()
        resolve(outcome)
      }
      const ms = limitOf(golden)
      const timer = setTimeout(() => settle(failed('an answer', `none within ${ms} ms`), true), ms)
      child.once('message', (outcome) => settle(outcome as Outcome, false))
      child.once('error', (error) => settle(failed('an answer', String(error)), true))
      child.once('exit', (code, signal) =>
        settle(failed('an answer', `the process ended with ${code ?? signal}`), true),
      )
      child.send(golden)
    })
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }
}

function limitOf({ testCase }: GoldenCase): number {
  const expect = testCase['expect'] as { readonly mustAnswer?: boolean } | undefined
  return expect?.mustAnswer === true ? answerLimit : limit
}

/** A process that is ready: its modules are loaded, and do not count as time of the first case. */
function start(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./case-process.ts', import.meta.url)))
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the case process does not start')), startLimit)
    child.once('message', () => {
      clearTimeout(timer)
      child.removeAllListeners()
      resolve(child)
    })
    child.once('exit', (code) => reject(new Error(`the case process ended with ${code}`)))
  })
}
