import type { Dataset } from 'millstream'
import type { Pixels } from './stages.ts'

/** Mean and standard deviation of each colour over the training photos, in 0..255. */
export async function colourStatistics(
  photos: Dataset<Pixels>,
  signal: AbortSignal,
): Promise<{ readonly mean: readonly number[]; readonly std: readonly number[] }> {
  const sum = [0, 0, 0]
  const squares = [0, 0, 0]
  let pixels = 0
  await photos
    .filter(({ file }) => file.part === 'train')
    .forEach(
      ({ data }) => {
        pixels += data.length / 3
        for (let c = 0; c < 3; c++) addColour(data, c, sum, squares)
      },
      { signal },
    )
  const mean = sum.map((total) => total / pixels)
  const std = squares.map((total, c) => {
    const variance = total / pixels - (mean[c] ?? 0) ** 2
    // Photos of one colour all over have no deviation, and the model divides by it.
    return Math.max(1, Math.sqrt(Math.max(0, variance)))
  })
  return { mean, std }
}

function addColour(data: Uint8Array, c: number, sum: number[], squares: number[]): void {
  let s = 0
  let q = 0
  for (let i = c; i < data.length; i += 3) {
    const value = data[i] as number
    s += value
    q += value * value
  }
  sum[c] = (sum[c] ?? 0) + s
  squares[c] = (squares[c] ?? 0) + q
}
