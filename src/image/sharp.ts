import type sharp from 'sharp'
import { MissingPackageError } from '../errors/index.ts'

/** sharp is an optional peer and a native package: loaded when the first photo needs it. */
export async function loadSharp(): Promise<typeof sharp> {
  try {
    return (await import('sharp')).default
  } catch (cause) {
    throw new MissingPackageError('sharp', 'Decoding photos', 'npm i sharp', { cause })
  }
}
