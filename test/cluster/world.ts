/** NATS servers and workers as processes, for tests. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { clusterOverview, type NatsServer, resolveNats, startNatsServer } from 'millstream/cluster'
import { findServer } from '../../src/cluster/server.ts'
import { type Started, start } from '../cli/command.ts'

/** Why there is no server; undefined when there can be one. Tests that need one say it. */
export const noNats = whyNot()
if (noNats !== undefined) console.error(noNats)

function whyNot(): string | undefined {
  try {
    findServer()
    return undefined
  } catch (error) {
    return `NOT INSTALLED: nats-server; tests that run pipelines on several machines are SKIPPED (${String(error)})`
  }
}

export const pipeline = 'clustered.ts'

/** A NATS server and the workers of a test file. */
export class World {
  readonly #workers: Started[] = []
  #server: NatsServer

  static async start(workers = 0): Promise<World> {
    const world = new World(await startNatsServer())
    for (let k = 0; k < workers; k++) world.worker()
    return world
  }

  /** A world for the time of a test. */
  static async within(workers: number, act: (world: World) => Promise<void>): Promise<void> {
    const world = await World.start(workers)
    try {
      await act(world)
    } finally {
      await world.stop()
    }
  }

  private constructor(server: NatsServer) {
    this.#server = server
  }

  get url(): string {
    return this.#server.url
  }

  worker(...flags: string[]): Started {
    const worker = start('worker', '--nats', this.url, ...flags)
    this.#workers.push(worker)
    return worker
  }

  /** `millstream run` of the fixtures' pipeline. */
  run(state: string, ...args: readonly string[]): Started {
    return start('run', pipeline, '--nats', this.url, '--state', state, '--', ...args)
  }

  /** Lets the server die without a word, and starts another one in its place. */
  async crash(downMs: number): Promise<void> {
    const { pid, url } = this.#server
    process.kill(pid, 'SIGKILL')
    await this.#server.stop()
    await sleep(downMs)
    this.#server = await startNatsServer({ port: Number(new URL(url).port) })
  }

  /** Runs of which there is something in the broker. */
  async leftOver(): Promise<readonly string[]> {
    const { remains, runs } = await this.overview()
    return [...remains, ...runs.map(({ run }) => run)]
  }

  overview() {
    return clusterOverview(resolveNats({ servers: this.url }), 'millstream')
  }

  async stop(): Promise<void> {
    for (const { child } of this.#workers) child.kill('SIGKILL')
    await Promise.all(this.#workers.map(({ ended }) => ended))
    await this.#server.stop()
  }
}

/** The numbers in a file of elements, in its order. */
export function numbersIn(file: string): readonly number[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const value = JSON.parse(line) as number | { readonly x: number }
    return typeof value === 'number' ? value : value.x
  })
}

export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, k) => k)
}
