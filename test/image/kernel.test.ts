import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { kernelModule } from '../../scripts/kernel.mjs'
import { hasKernel, resample } from '../../src/image/kernel.ts'
import { resampleBytes } from '../../src/image/resample.ts'
import { planOf } from '../../src/image/resize.ts'

test('the embedded kernel is what kernel.wat says', async () => {
  const embedded = readFileSync(new URL('../../src/image/kernel-bytes.ts', import.meta.url), 'utf8')
  expect(await kernelModule()).toBe(embedded)
})

test('resizes to the same bytes as plain TypeScript, at any size', () => {
  expect(hasKernel).toBe(true)
  const side = fc.integer({ min: 1, max: 70 })
  const method = fc.constantFrom('box', 'bilinear', 'hamming', 'bicubic', 'lanczos')
  const channels = fc.constantFrom(1, 3, 4)
  fc.assert(
    fc.property(side, side, side, side, channels, method, fc.nat(), (w, h, w2, h2, c, by, seed) => {
      // Mostly black and white: sums that leave the bytes at both ends.
      const data = Uint8Array.from({ length: w * h * c }, (_, i) => {
        const noise = Math.imul(i + seed, 0x9e3779b1) >>> 24
        return noise < 90 ? 0 : noise > 170 ? 255 : noise
      })
      const image = { data, width: w, height: h, channels: c }
      const plan = planOf(image, { width: w2, height: h2 }, by, true)
      expect(Buffer.compare(resample(image, plan), resampleBytes(image, plan))).toBe(0)
    }),
    { numRuns: 100 },
  )
})

test('where there is no WebAssembly, plain TypeScript resizes', () => {
  const script = `
    import { resize } from 'millstream/image'
    const data = Uint8Array.from({ length: 7 * 9 * 3 }, (_, i) => (i * 37) % 251)
    const { data: out } = resize({ data, width: 7, height: 9, channels: 3 }, { width: 4, height: 5 })
    console.log(typeof WebAssembly, out.join())`
  const outputs = [[], ['--jitless']].map((flags) => {
    const args = [...flags, '--input-type=module', '-e', script]
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: import.meta.dirname })
    expect(stdout.length, stderr.toString()).toBeGreaterThan(0)
    return stdout.toString().trim().split(' ')
  })
  expect(outputs.map(([type]) => type)).toEqual(['object', 'undefined'])
  expect(outputs[1]?.[1]).toBe(outputs[0]?.[1])
})
