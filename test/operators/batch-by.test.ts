import { type Checkpoint, type Clock, Dataset, InvalidArgumentError, StageError } from 'millstream'
import { checkResume, VirtualClock } from 'millstream/testing'
import { describe, expect, test } from 'vitest'

const costs = [3, 3, 3, 9, 1, 1, 20, 0, 0, 0, 0, 4]
const text = (batch: Float64Array): string => [...batch].join()

describe('by cost', () => {
  const ds = Dataset.fromArray(costs)

  test('the next element begins another batch when it would cost too much', async () => {
    const batches = ds.batch({ max: 4, maxCost: 10, cost: (x) => x }).map(text)
    expect(await batches.toArray()).toEqual(['3,3,3', '9,1', '1', '20', '0,0,0,0', '4'])
    await checkResume(batches)
  })

  test('costs are asked once for each element', async () => {
    const asked: number[] = []
    const cost = (x: number): number => asked.push(x) && x
    await ds.batch({ max: 4, maxCost: 10, cost }).toArray({ chunk: 2 })
    expect(asked).toEqual(costs)
  })

  test.each([[-1], [Number.NaN], [Infinity], ['1']])('%s is no cost', async (bad) => {
    const seen: string[] = []
    const cost = (x: number): number => (x === 20 ? (bad as number) : x)
    const run = ds.batch({ max: 3, maxCost: 10, cost }).forEach((batch) => seen.push(text(batch)))
    await expect(run).rejects.toThrow(/batchBy#1 .*element 6: a cost must be/)
    expect(seen).toEqual(['3,3,3', '9,1'])
  })

  test('an element whose cost is not known goes, and what was collected', async () => {
    const cost = (x: number): number => {
      if (x === 20) throw new Error('no cost')
      return x
    }
    const batches = ds.batch({ max: 4, maxCost: 10, cost }).map(text)
    await expect(batches.toArray()).rejects.toThrow(StageError)
    expect(await batches.ignoreErrors().toArray()).toEqual(['3,3,3', '9,1', '0,0,0,0', '4'])
    await checkResume(batches.ignoreErrors())
  })

  test('elements that make no batch are an error of that batch alone', async () => {
    const mixed = Dataset.fromArray<unknown>([1, 2, 3, 'a', 5, 6]).batch({ max: 2 })
    const run = mixed.iterate()
    expect((await run.next()).value).toEqual(Float64Array.of(1, 2))
    await expect(run.next()).rejects.toThrow(/batchBy#1 .*element 2: elements of a batch/)
  })

  test('limits that can never work are refused at once', () => {
    const wrong = [
      { max: 0 },
      { max: 2, maxCost: 0, cost: () => 1 },
      { max: 2, maxCost: 3 },
      { max: 2, cost: () => 1 },
      { max: 2, maxCost: 3, cost: 1 },
      { max: 2, maxWait: -1 },
      { max: 2, maxWait: 'soon' },
    ]
    for (const limits of wrong) {
      expect(() => ds.batch(limits as never)).toThrow(InvalidArgumentError)
    }
  })

  test('cardinality is known where there is none or no end', () => {
    expect(ds.batch({ max: 2 }).cardinality()).toBeUndefined()
    expect(ds.take(0).batch({ max: 2 }).cardinality()).toBe(0)
    expect(Dataset.counter().batch({ max: 2 }).cardinality()).toBe(Infinity)
  })
})

/** So many turns of the event loop that all that does not wait for time is done. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate)
}

/** Numbers that come when they come: `gaps[k]` milliseconds before the `k`-th. */
class Slow {
  clock = new VirtualClock()
  gaps: readonly number[]
  batches: Dataset<string>

  constructor(gaps: readonly number[], max: number) {
    this.gaps = gaps
    this.batches = Dataset.fromGenerator(() => this.#numbers())
      .batch({ max, maxWait: 10 })
      .map(text)
  }

  async *#numbers(): AsyncGenerator<number> {
    for (const [k, gap] of this.gaps.entries()) {
      if (gap > 0) await this.clock.sleep(gap)
      yield k
    }
  }

  /** Time passes only when nothing else goes on: the engine itself takes a turn of the event loop now and then. */
  async #moved<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const watched = promise.finally(() => (settled = true))
    watched.catch(() => undefined) // the caller gets it, below
    while (!settled) {
      await turns()
      if (!settled) this.clock.step()
    }
    return promise
  }

  /** Reads batches, up to `count`, and takes a checkpoint. */
  async read(from?: Checkpoint, count = Infinity, chunk = 1): Promise<[string[], Checkpoint]> {
    this.clock = new VirtualClock()
    const options: { clock: Clock; chunk: number } = { clock: this.clock, chunk }
    const run =
      from === undefined ? this.batches.iterate(options) : this.batches.resume(from, options)
    const out: string[] = []
    const reading = async (): Promise<void> => {
      while (out.length < count) {
        const next = await run.next()
        if (next.done === true) break
        out.push(next.value)
      }
    }
    await this.#moved(reading())
    const checkpoint = JSON.parse(JSON.stringify(run.checkpoint())) as Checkpoint
    await this.#moved(run.close())
    return [out, checkpoint]
  }
}

describe('by time', () => {
  const gaps = [50, 0, 4, 4, 4, 30, 3, 3, 40, 0, 0, 0, 0, 25, 1]

  test('a batch that waits too long is closed', async () => {
    const [batches] = await new Slow(gaps, 4).read()
    expect(batches).toEqual(['0,1,2,3', '4', '5,6,7', '8,9,10,11', '12', '13,14'])
  })

  test('a resume makes the same batches, however fast elements come now, and again', async () => {
    const slow = new Slow(gaps, 4)
    const [whole] = await slow.read()
    const numbers = gaps.map((_, k) => k).join()
    for (let cut = 0; cut <= whole.length; cut++) {
      slow.gaps = gaps
      const [first, checkpoint] = await slow.read(undefined, cut)
      expect(first).toEqual(whole.slice(0, cut))
      for (const other of [gaps, gaps.map(() => 0), gaps.map(() => 11)]) {
        slow.gaps = other
        const [rest, again] = await slow.read(checkpoint, 1, 3)
        const [tail] = await slow.read(again)
        expect([...first, ...rest, ...tail].join()).toBe(numbers)
      }
    }
  })

  test('batches that wait in a buffer below are made again as they were', async () => {
    const slow = new Slow(gaps, 4)
    const [whole] = await slow.read()
    // The last of them is read before the first is handed out.
    const all = new Slow(gaps, 4)
    all.batches = all.batches.shuffle(100, { seed: 1 })
    const [mixed] = await all.read()
    expect([...mixed].sort()).toEqual([...whole].sort())
    for (let cut = 1; cut <= whole.length; cut++) {
      for (const other of [gaps.map(() => 0), gaps.map(() => 11)]) {
        all.gaps = gaps
        const [first, checkpoint] = await all.read(undefined, cut)
        all.gaps = other
        const [rest, again] = await all.read(checkpoint, 1, 3)
        const [tail] = await all.read(again)
        expect([...first, ...rest, ...tail].sort()).toEqual([...whole].sort())
      }
    }
  })

  test('what fails while nobody reads is in the checkpoint still', async () => {
    const clock = new VirtualClock()
    const source = async function* (): AsyncGenerator<number> {
      yield 0
      await clock.sleep(50)
      yield 1
      yield 2
    }
    const ds = Dataset.fromGenerator(source)
      .map((x) => {
        if (x === 1) throw new Error('no 1')
        return x
      })
      .batch({ max: 3, maxWait: 10 })
    const run = ds.iterate({ clock, chunk: 1 })
    const first = run.next()
    await turns()
    clock.step()
    expect((await first).value).toEqual(Float64Array.of(0))
    clock.step()
    await turns()
    const checkpoint = run.checkpoint()
    await expect(run.next()).rejects.toThrow('no 1')
    const again = ds.resume(checkpoint, { clock })
    const second = again.next()
    await turns()
    clock.step()
    await expect(second).rejects.toThrow('no 1')
    await again.close()
  })

  test('an error above takes what was collected along', async () => {
    const slow = new Slow([0, 0, 30, 0, 0], 4)
    const fails = Dataset.fromGenerator(async function* () {
      yield* [0, 1, 2]
      throw new Error('gone')
    })
    const seen: string[] = []
    const run = fails.batch({ max: 2, maxWait: 10 }).forEach((batch) => seen.push(text(batch)))
    await expect(run).rejects.toThrow('gone')
    expect(seen).toEqual(['0,1'])
    expect((await slow.read())[0]).toEqual(['0,1', '2,3,4'])
  })

  test('the time of the machine does as well, and an abort ends the waiting', async () => {
    const control = new AbortController()
    const never = Dataset.fromGenerator(async function* (signal) {
      yield* [1, 2]
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    })
    const run = never.batch({ max: 9, maxWait: '5ms' }).iterate({ signal: control.signal })
    expect((await run.next()).value).toEqual(Float64Array.of(1, 2))
    setTimeout(() => control.abort(new Error('enough')), 20)
    await expect(run.next()).rejects.toThrow('enough')
  })
})
