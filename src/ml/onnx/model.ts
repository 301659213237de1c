/** A model that learns, inside the engine's thread: tensors, step counter, and the session that moves them. */

import { availableParallelism } from 'node:os'
import { InvalidArgumentError, messageOf } from '../../errors/index.ts'
import type { ModelSpec, StepResult, Trainer } from '../trainer.ts'
import { decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts'
import { sizeOf } from './graph.ts'
import { inferenceModel, trainingModel } from './lower.ts'
import { correctionsAt } from './optimizer.ts'
import { initialValues, planModel } from './plan.ts'
import type { Plan } from './plan.ts'
import type { Device, Feeds, Runtime, Session } from './runtime.ts'
import { SavedModel, saveModel } from './saved.ts'

type State = Map<string, Float32Array>

export class Model {
  readonly device: Trainer['device']
  readonly #runtime: Runtime
  readonly #plan: Plan
  readonly #session: Session
  readonly #state: State
  #step = 0
  /** The present weights as a model that answers; opened again after each step when it's asked. */
  #answering: SavedModel | undefined

  private constructor(runtime: Runtime, plan: Plan, opened: Opened) {
    this.#runtime = runtime
    this.#plan = plan
    this.#session = opened.session
    this.#state = initialState(plan)
    this.device = opened.device
  }

  static async create(runtime: Runtime, spec: ModelSpec): Promise<Model> {
    const plan = planModel(spec)
    return new Model(runtime, plan, await openDevice(runtime, plan))
  }

  async step(x: Uint8Array, y: Int32Array, lr: number): Promise<StepResult> {
    const start = performance.timeOrigin + performance.now()
    const measured = await runStep(this.#runtime, this.#session, this.#plan, this.#state, {
      x,
      y,
      lr,
      step: this.#step + 1,
    })
    this.#step++
    await this.#forgetAnswering()
    const end = performance.timeOrigin + performance.now()
    return { step: this.#step, ...measured, start, end }
  }

  async predict(x: Uint8Array, n: number): Promise<Float32Array> {
    this.#answering ??= await this.#openAnswering()
    return this.#answering.predict(x, n)
  }

  checkpoint(): Uint8Array {
    return encodeCheckpoint(this.#plan.spec, this.#step, this.#state)
  }

  async restore(bytes: Uint8Array): Promise<null> {
    const { step, tensors } = decodeCheckpoint(bytes, this.#plan.spec, shapesOf(this.#plan))
    for (const [name, values] of tensors) this.#state.set(name, values)
    this.#step = step
    await this.#forgetAnswering()
    return null
  }

  save(
    path: string,
    metadata: Readonly<Record<string, string>>,
  ): Promise<{ bytes: number; sha256: string }> {
    return saveModel(path, this.#plan.spec, metadata, (all) =>
      inferenceModel(this.#plan, this.#state, all),
    )
  }

  async release(): Promise<void> {
    await this.#forgetAnswering()
    await this.#session.release()
  }

  /** The saved file's own model, so that answers before and after saving are the same bytes. */
  #openAnswering(): Promise<SavedModel> {
    const bytes = inferenceModel(this.#plan, this.#state, {})
    const { kind, threads } = this.device
    return SavedModel.open(this.#runtime, this.#plan.spec, bytes, { device: kind, threads })
  }

  async #forgetAnswering(): Promise<void> {
    await this.#answering?.release()
    this.#answering = undefined
  }
}

function initialState(plan: Plan): State {
  return new Map(
    [...plan.parameters, ...plan.slots].map((parameter) => [
      parameter.name,
      initialValues(parameter, plan.spec.seed),
    ]),
  )
}

function shapesOf(plan: Plan): ReadonlyMap<string, readonly number[]> {
  return new Map([...plan.parameters, ...plan.slots].map(({ name, shape }) => [name, shape]))
}

interface StepInput {
  readonly x: Uint8Array
  readonly y: Int32Array
  readonly lr: number
  /** Number of this step, from 1. */
  readonly step: number
}

/** One step; replaces the tensors in `state`. */
async function runStep(
  runtime: Runtime,
  session: Session,
  plan: Plan,
  state: State,
  { x, y, lr, step }: StepInput,
): Promise<{ loss: number; correct: number }> {
  const { batch, input, optimizer } = plan.spec
  const [correction1, correction2] = correctionsAt(optimizer, step)
  const feeds: Feeds = {
    x: runtime.tensor(x, [batch, ...input.shape]),
    y: runtime.tensor(y, [batch]),
  }
  for (const [name, value] of Object.entries({ lr, correction1, correction2 }))
    if (session.inputs.includes(name)) feeds[name] = runtime.tensor(Float32Array.of(value), [])
  const shapes = shapesOf(plan)
  for (const [name, values] of state) feeds[name] = runtime.tensor(values, shapes.get(name) ?? [])
  const got = await session.run(feeds)
  for (const name of state.keys()) state.set(name, floatsOf(got, `${name}_n`))
  return {
    loss: floatsOf(got, 'loss')[0] ?? Number.NaN,
    correct: floatsOf(got, 'correct')[0] ?? Number.NaN,
  }
}

function floatsOf(got: Feeds, name: string): Float32Array {
  const data = got[name]?.data
  if (!(data instanceof Float32Array)) throw new TypeError(`the step has no output ${name}`)
  return data
}

interface Opened {
  readonly session: Session
  readonly device: Trainer['device']
}

async function openDevice(runtime: Runtime, plan: Plan): Promise<Opened> {
  const threads = Math.min(plan.spec.threads ?? Infinity, availableParallelism())
  const open = async (kind: Device): Promise<Session> =>
    runtime.open(trainingModel(plan, kind === 'gpu' ? 'webgpu' : 'cpu'), { device: kind, threads })
  const cpu = async (why = ''): Promise<Opened> => ({
    session: await open('cpu'),
    device: { kind: 'cpu', name: `CPU, ONNX Runtime${why}`, threads },
  })
  const wanted = plan.spec.device ?? 'cpu'
  if (wanted === 'cpu') return cpu()
  let session: Session
  try {
    session = await open('gpu')
  } catch (error) {
    if (wanted === 'auto') return cpu(` (no GPU: ${reasonOf(error)})`)
    throw new InvalidArgumentError(
      `device 'gpu' does not work here: ${reasonOf(error)}. Use 'auto' to fall back to the CPU, or 'cpu'.`,
      { cause: error },
    )
  }
  if (wanted === 'auto') {
    const doubt = await probe(runtime, plan, session, await open('cpu'))
    if (doubt !== undefined) {
      await session.release()
      return cpu(` (GPU not used: ${doubt})`)
    }
  }
  return { session, device: { kind: 'gpu', name: 'WebGPU, ONNX Runtime', threads } }
}

/** Compares a first step on both devices; answers what is wrong with the GPU, if anything. */
async function probe(
  runtime: Runtime,
  plan: Plan,
  gpu: Session,
  cpu: Session,
): Promise<string | undefined> {
  const { batch, input, classes } = plan.spec
  const x = Uint8Array.from(
    { length: batch * sizeOf(input.shape) },
    (_, i) => Math.imul(i, 0x9e3779b1) >>> 24,
  )
  const y = Int32Array.from({ length: batch }, (_, i) => i % classes.length)
  const stepOn = async (session: Session): Promise<readonly number[]> => {
    const state = initialState(plan)
    const { loss } = await runStep(runtime, session, plan, state, { x, y, lr: 1, step: 1 })
    return [loss].concat(movesOf(plan, state))
  }
  try {
    const error = distance(await stepOn(cpu), await stepOn(gpu))
    return error < 1e-3 ? undefined : `a step differs from the CPU's by ${error.toExponential(1)}`
  } catch (error) {
    return reasonOf(error)
  } finally {
    await cpu.release()
  }
}

/** What a step did: the optimizer's tensors, which held zeros, or how far the weights went where it has none. */
function movesOf(plan: Plan, state: State): number[] {
  if (plan.slots.length > 0) return plan.slots.flatMap(({ name }) => [...(state.get(name) ?? [])])
  const before = initialState(plan)
  return [...state].flatMap(([name, values]) =>
    Array.from(values, (value, i) => value - (before.get(name)?.[i] ?? 0)),
  )
}

/** The sentence in a message of ONNX Runtime, which begins with source files and ends with a new line. */
function reasonOf(error: unknown): string {
  const message = messageOf(error)
  return (/Failed to .*/.exec(message)?.[0] ?? message).trim()
}

/** Length of the difference, relative to the first. */
function distance(a: readonly number[], b: readonly number[]): number {
  let difference = 0
  let length = 0
  for (const [i, value] of a.entries()) {
    difference += (value - (b[i] ?? Number.NaN)) ** 2
    length += value ** 2
  }
  return Math.sqrt(difference / length)
}
