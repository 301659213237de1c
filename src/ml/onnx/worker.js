/**
 * Entry of the engine's thread. Plain JavaScript, because the library runs both as built files and, in its
 * own tests, as TypeScript sources.
 */

import { existsSync } from 'node:fs'

const built = new URL('./worker-main.js', import.meta.url)
const source = new URL('./worker-main.ts', import.meta.url)

if (existsSync(built)) {
  await import(built.href)
} else {
  const { register } = await import('tsx/esm/api')
  register()
  await import(source.href)
}
