/** The main job as child processes, on photos made for the tests. */
import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodePng, type Image } from '../../src/image/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command under way. */
export interface Started {
  readonly ended: Promise<Ended>
  /** Waits until stderr holds so much, or the command ended. */
  wrote(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
}

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv
  /** A shell command that goes before, such as `ulimit -f 100;`. */
  readonly before?: string
}

/** Starts `main.ts` or `predict.ts` of the job, as `npm start` does. */
export function start(
  script: 'main' | 'predict',
  args: readonly string[],
  { env = {}, before = '' }: StartOptions = {},
): Started {
  const file = join(root, 'examples/01-dogs', `${script}.ts`)
  const command = [process.execPath, '--import', 'tsx', file, ...args]
  const child = spawn('bash', ['-c', `${before} exec "$@"`, 'bash', ...command], {
    cwd: root,
    env: { ...process.env, ...env },
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => (text[name] += part))
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...text }))
  })
  const wrote = (part: string): Promise<void> =>
    Promise.race([
      ended.then(() => undefined),
      new Promise<void>((resolve) => {
        child.stderr.on('data', () => {
          if (text.stderr.includes(part)) resolve()
        })
      }),
    ])
  return { ended, wrote, kill: (signal) => void child.kill(signal) }
}

/** Runs it to its end. */
export function run(
  script: 'main' | 'predict',
  args: readonly string[],
  options?: StartOptions,
): Promise<Ended> {
  return start(script, args, options).ended
}

/** A photo of stripes, across or upright, in colours that follow from its number. */
export function stripes(number: number, upright: boolean, side = 32): Image {
  const data = new Uint8Array(side * side * 3)
  for (let i = 0; i < side * side; i++) {
    const along = upright ? i % side : Math.floor(i / side)
    const bright = Math.floor((along + number) / 4) % 2 === 0
    for (let c = 0; c < 3; c++) {
      const noise = (i * 31 + number * 17 + c * 7) % 40
      data[3 * i + c] = noise + (bright ? 200 - ((number * 13 * (c + 1)) % 90) : 20)
    }
  }
  return { data, width: side, height: side, channels: 3 }
}

/** Fills `folder/across` and `folder/upright` with `count` photos each. */
export async function stripeFolder(folder: string, count: number): Promise<void> {
  for (const name of ['across', 'upright']) {
    await mkdir(join(folder, name), { recursive: true })
    const files = Array.from({ length: count }, async (_, i) => {
      const path = join(folder, name, `${String(i).padStart(4, '0')}.png`)
      await writeFile(path, await encodePng(stripes(i, name === 'upright')))
    })
    await Promise.all(files)
  }
}
