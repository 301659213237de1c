/** The engine's thread: answers calls one after the other, and enters native code through the gate. */

import { parentPort, workerData } from 'node:worker_threads'
import { ClosedError, InvalidArgumentError } from '../../errors/index.ts'
import { Gate } from './gate.ts'
import { Model } from './model.ts'
import { packError } from './protocol.ts'
import type { CallName, Reply, Request } from './protocol.ts'
import { loadRuntime } from './runtime.ts'
import type { Runtime } from './runtime.ts'
import { SavedModel, readModel } from './saved.ts'

const port = parentPort
if (port === null) throw new InvalidArgumentError('worker-main.ts runs in a worker thread only.')

const { gate: memory } = workerData as { gate: SharedArrayBuffer }
const gate = new Gate(memory)

/** Runs native code, unless the trainer is being disposed of. */
async function native<T>(work: () => Promise<T>): Promise<T> {
  if (!gate.enter()) throw new ClosedError('The trainer was disposed of before this call began.')
  try {
    return await work()
  } finally {
    gate.leave()
  }
}

let runtime: Runtime | undefined
let model: Model | SavedModel | undefined

async function answer(request: Request): Promise<unknown> {
  switch (request.call) {
    case 'create': {
      runtime = await loadRuntime(native)
      const created = await Model.create(runtime, request.ask.spec)
      model = created
      return created.device
    }
    case 'load': {
      const { spec, metadata, bytes } = await readModel(request.ask.path)
      runtime = await loadRuntime(native)
      model = await SavedModel.open(runtime, spec, bytes)
      return { spec, metadata }
    }
    case 'predict':
      return opened().predict(request.ask.x, request.ask.n)
    case 'step':
      return trained().step(request.ask.x, request.ask.y, request.ask.lr)
    case 'checkpoint':
      return trained().checkpoint()
    case 'restore':
      return trained().restore(request.ask.checkpoint)
    case 'save':
      return trained().save(request.ask.path, request.ask.metadata)
    case 'close':
      await model?.release()
      return null
  }
}

function opened(): Model | SavedModel {
  if (model === undefined) throw new ClosedError('No model is open.')
  return model
}

function trained(): Model {
  if (!(model instanceof Model)) throw new ClosedError('No model that learns is open.')
  return model
}

let last: Promise<void> = Promise.resolve()
port.on('message', (request: Request) => {
  last = last.then(async () => {
    const reply: Reply = await answer(request).then(
      (value) => ({ id: request.id, answer: value }),
      (error: unknown) => ({ id: request.id, error: packError(error) }),
    )
    port.postMessage(reply, transferOf(request.call, reply))
    if (request.call === 'close') port.close()
  })
})

/** Large answers are handed over rather than copied. */
function transferOf(call: CallName, reply: Reply): ArrayBuffer[] {
  if (call !== 'checkpoint' || !('answer' in reply)) return []
  return [(reply.answer as Uint8Array<ArrayBuffer>).buffer]
}
