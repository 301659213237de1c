/** The built command as a child process. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
export const pipelines = fileURLToPath(new URL('./pipelines', import.meta.url))

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command under way. */
export interface Started {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** Waits until so much was written to stdout. */
  wrote(text: string): Promise<void>
}

/** Starts `millstream ...` in the folder of the pipelines. */
export function start(...args: string[]): Started {
  const child = spawn(process.execPath, [main, ...args], { cwd: pipelines })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  })
  const wrote = async (text: string): Promise<void> => {
    const end = ended.then(({ stderr: why }) => {
      throw new Error(`ended before it wrote ${text}: ${why}`)
    })
    const seen = new Promise<void>((resolve) => {
      child.stdout.on('data', () => {
        if (stdout.includes(text)) resolve()
      })
      if (stdout.includes(text)) resolve()
    })
    await Promise.race([seen, end])
    end.catch(() => undefined)
  }
  return { child, ended, wrote }
}

/** Runs `millstream ...` to its end. */
export function command(...args: string[]): Promise<Ended> {
  return start(...args).ended
}
