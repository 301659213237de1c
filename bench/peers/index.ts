/** The packages Millstream is compared with: installed on first use, in this folder. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('./', import.meta.url)
const lock = new URL('package-lock.json', folder)
/** npm writes it at the end of an install. */
const installed = new URL('node_modules/.package-lock.json', folder)

/** Installs what package-lock.json names, unless it is there. Runs no scripts of the packages. */
export function installPeers(log: (line: string) => void): void {
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  log('installing the packages to compare with (npm ci in bench/peers, once, about 130 MB)')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], {
    cwd: fileURLToPath(folder),
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0)
    throw new Error('npm ci in bench/peers failed: is there a way to the npm registry?')
}

/** Where a peer's module is, for a process that finds it from another folder. */
export function urlOfPeer(name: string): string {
  return import.meta.resolve(name)
}

/**
 * A peer's module as far as `T` tells. Peers are not there when the project is type-checked, so that their
 * own types cannot be used.
 */
export async function importPeer<T>(name: string): Promise<T> {
  return (await import(name)) as T
}
