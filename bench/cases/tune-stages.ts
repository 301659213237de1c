/** Work that keeps a worker for some milliseconds without computing: what two cores cannot show is shown so. */
import { stage } from 'millstream'

interface Nap {
  readonly ms: number
}

const forever = new Int32Array(new SharedArrayBuffer(4))

const nap = (x: number, ms: number): number => {
  Atomics.wait(forever, 0, 0, ms)
  return x
}

export const first = stage(import.meta, (x: number, _local, { ms }: Nap) => nap(x, ms))
export const second = stage(import.meta, (x: number, _local, { ms }: Nap) => nap(x, ms))
