/**
 * Assembles src/image/kernel.wat into src/image/kernel-bytes.ts, so that nobody who installs the package needs an assembler:
 *
 *     node scripts/kernel.mjs
 *
 * A test assembles it again and compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import wabt from 'wabt'

const folder = new URL('../src/image/', import.meta.url)

/** The text of kernel-bytes.ts that belongs to kernel.wat. */
export async function kernelModule() {
  const assembler = await wabt()
  const wat = readFileSync(new URL('kernel.wat', folder), 'utf8')
  const { buffer } = assembler.parseWat('kernel.wat', wat, { simd: true }).toBinary({})
  const lines = Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,96}/g)
  return `// Written by scripts/kernel.mjs from kernel.wat.
export const kernelBytes = \`
${(lines ?? []).join('\n')}
\`
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('kernel-bytes.ts', folder), await kernelModule())
}
