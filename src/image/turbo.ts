import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as turbo from '@julusian/jpeg-turbo'
import { MillstreamError, MissingPackageError } from '../errors/index.ts'
import type { Image, Size } from './image.ts'
import type { JpegHeader } from './jpeg-header.ts'
import { withKernel } from './kernel.ts'
import type { ResizePlan } from './resample.ts'

type Turbo = typeof turbo

const name = '@julusian/jpeg-turbo'
const require = createRequire(import.meta.url)
let loaded: Turbo | undefined

/** jpeg-turbo is an optional peer and a native package: loaded when the first picture needs it. */
function loadTurbo(): Turbo {
  try {
    checkEngine()
    loaded ??= require(name) as Turbo
    return loaded
  } catch (cause) {
    if (cause instanceof MillstreamError) throw cause
    throw new MissingPackageError(name, "decode: 'fast'", `npm i ${name}`, { cause })
  }
}

/** Version 3 ends the process of an older Node than it is made for, instead of saying so. */
function checkEngine(): void {
  if (loaded !== undefined) return
  const file = readFileSync(require.resolve(`${name}/package.json`), 'utf8')
  const { engines } = JSON.parse(file) as { engines?: { node?: string } }
  const [major = 0, minor = 0] = (engines?.node ?? '').match(/\d+/g)?.map(Number) ?? []
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number)
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return
  const needed = `decode: 'fast' on Node ${process.versions.node}`
  throw new MissingPackageError(`${name} 2.3`, needed, `npm i ${name}@2.3.0`)
}

/** Whether the fast decoder knows such files: grey and colours of 8 bits, not CMYK. */
export function isTurbos({ components, bits }: JpegHeader): boolean {
  return bits === 8 && (components === 1 || components === 3)
}

/**
 * Decodes a JPEG file as RGB by libjpeg-turbo's fast integer transform, and resizes it before it is copied; blocks the thread.
 * Undefined when the file is damaged: what libjpeg-turbo says then is "No error".
 *
 * @throws MissingPackageError without the package.
 */
export function decodeTurbo(bytes: Uint8Array, size: Size, plan: ResizePlan): Image | undefined {
  const { decompressSync, FORMAT_RGB } = loadTurbo()
  const { width, height } = size
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return withKernel((kernel) => {
    const grid = { width, height, channels: 3 }
    try {
      decompressSync(file, kernel.input(grid), { format: FORMAT_RGB })
    } catch {
      return undefined
    }
    // The fast transform cuts off where the exact one rounds, in brightness and both colours: that makes red 1.1 and blue
    // 1.3 levels too small, whatever the picture, and green right.
    kernel.lift(width * height * 3)
    return kernel.resized(grid, plan)
  })
}
