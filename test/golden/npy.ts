/** Reads NumPy's .npy files, version 1, of the kinds that golden cases use. */
import { readFileSync } from 'node:fs'

export interface NpyArray {
  readonly shape: readonly number[]
  readonly data: Uint8Array | Float32Array
}

export function readNpy(path: string): NpyArray {
  const file = readFileSync(path)
  const start = 10 + file.readUInt16LE(8)
  const header = file.toString('latin1', 10, start)
  const kind = /'descr': '([^']+)'/.exec(header)?.[1]
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1]
  if (shape === undefined || header.includes("'fortran_order': True")) {
    throw new Error(`${path} is no plain .npy file`)
  }
  const bytes = Uint8Array.from(file.subarray(start))
  if (kind === '|u1') return { shape: sizesOf(shape), data: bytes }
  if (kind === '<f4') return { shape: sizesOf(shape), data: new Float32Array(bytes.buffer) }
  throw new Error(`${path} holds ${kind ?? 'nothing known'}`)
}

function sizesOf(text: string): number[] {
  return text
    .split(',')
    .filter((size) => size.trim() !== '')
    .map(Number)
}
