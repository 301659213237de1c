import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Receiver } from '../../src/place/ring/receiver.ts'
import type { Wired } from '../../src/place/ring/sender.ts'
import { makeRing, Slots } from '../../src/place/ring/slots.ts'

const sender = new URL('../../dist/place/ring/sender.js', import.meta.url).href

/** Sends messages as fast as it can: message `n` is `lengths[n % lengths.length]` numbers `n`. */
const writer = `
const { parentPort } = require('node:worker_threads')
import(${JSON.stringify(sender)}).then(({ Sender }) => {
  parentPort.on('message', ({ ring, lengths, messages }) => {
    const sender = new Sender(ring)
    for (let n = 0; n < messages; n++) {
      const { wired, transfer } = sender.pack([new Int32Array(lengths[n % lengths.length]).fill(n)])
      parentPort.postMessage(wired, transfer)
    }
  })
  parentPort.postMessage('ready')
})`

interface Held {
  readonly message: number
  readonly view: Int32Array
  readonly release: (() => void) | undefined
}

test('a slot is not written while somebody reads it, however long and in whatever order', async () => {
  const worker = new Worker(writer, { eval: true })
  try {
    await once(worker, 'message')
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          slots: fc.integer({ min: 1, max: 4 }),
          // Some do not fit into a slot of 512 bytes.
          lengths: fc.array(fc.integer({ min: 1, max: 140 }), { minLength: 1, maxLength: 4 }),
          // After each message, which of those held is let go, if any.
          releases: fc.array(fc.option(fc.nat(5)), { minLength: 40, maxLength: 40 }),
        }),
        async ({ slots, lengths, releases }) => {
          const ring = makeRing(slots, 512)
          const receiver = new Receiver(ring)
          const held: Held[] = []
          const letGo = (k: number): void => {
            for (const { message, view, release } of held.splice(k, 1)) {
              expect(view).toEqual(new Int32Array(view.length).fill(message))
              release?.()
            }
          }
          let message = 0
          const all = new Promise<void>((resolve, reject) => {
            worker.removeAllListeners('message')
            worker.on('message', (wired: Wired) => {
              try {
                const { values, release } = receiver.open(wired, 'inPlace')
                const [view] = values as [Int32Array]
                expect(view).toHaveLength(lengths[message % lengths.length] ?? 0)
                held.push({ message, view, release })
                const k = releases[message++]
                if (k !== null && k !== undefined) letGo(k)
                if (message === releases.length) resolve()
              } catch (error) {
                reject(error)
              }
            })
          })
          worker.postMessage({ ring, lengths, messages: releases.length })
          await all
          while (held.length > 0) letGo(0)
          expect(new Slots(ring).taken).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  } finally {
    await worker.terminate()
  }
})

test('a writer that ends in the middle of a slot holds up nobody', () => {
  const ring = makeRing(2, 512)
  const [writerEnd, readerEnd] = [new Slots(ring), new Slots(ring)]
  expect(writerEnd.take()).toBe(0)
  expect(readerEnd.taken).toBe(1) // it died here: its slot stays taken, the other goes round
  for (let k = 0; k < 5; k++) {
    expect(writerEnd.take()).toBe(1)
    expect(writerEnd.take()).toBeUndefined()
    readerEnd.free(1)
  }
})
