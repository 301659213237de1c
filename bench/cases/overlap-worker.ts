/** Overlap as one would write it for this one case: a worker that makes all items, and posts them. */
import { once } from 'node:events'
import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  Worker,
  workerData,
} from 'node:worker_threads'
import { type Item, makeItem } from './overlap-stages.ts'

interface Order {
  readonly port: MessagePort
  /** Number of items posted so far. */
  readonly posted: Int32Array
  readonly items: number
  readonly make: number
}

function serve({ port, posted, items, make }: Order): void {
  parentPort?.postMessage('ready')
  for (let i = 0; i < items; i++) {
    const item = makeItem(i, make)
    port.postMessage(item, [item.pixels.buffer as ArrayBuffer])
    Atomics.add(posted, 0, 1)
    Atomics.notify(posted, 0)
  }
  port.close()
}

/** Node 20 cannot start a thread from TypeScript. */
const start = `
import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
  register()
  return import(${JSON.stringify(import.meta.url)})
})`

/** Hands items to `take` as they come; waits by blocking, for there is nothing else to do in this thread. */
export async function withWorker(
  size: { readonly items: number; readonly make: number },
  take: (item: Item) => void,
): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const posted = new Int32Array(new SharedArrayBuffer(4))
  const order: Order = { ...size, port: port2, posted }
  const worker = new Worker(start, {
    eval: true,
    workerData: order,
    transferList: [port2],
    execArgv: [],
  })
  const exit = once(worker, 'exit')
  // Not before: a thread that is starting needs this one.
  await once(worker, 'message')
  for (let i = 0; i < size.items; i++) {
    while (Atomics.load(posted, 0) <= i) Atomics.wait(posted, 0, i, 1000)
    const message: { readonly message: Item } | undefined = receiveMessageOnPort(port1)
    if (message === undefined) throw new Error(`item ${i} was announced and is not there`)
    take(message.message)
  }
  await exit
}

if (!isMainThread) serve(workerData as Order)
