/** Models that answer: written to a file in one piece, read back, run. */

import { createHash, randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import { DataError, InvalidArgumentError, messageOf } from '../../errors/index.ts'
import type { ModelSpec } from '../trainer.ts'
import { readMetadata } from './model-file.ts'
import type { Device, Runtime, Session } from './runtime.ts'

/** Keys of the file's metadata that are ours begin with this. */
const OURS = 'millstream.'
const SPEC = `${OURS}spec`

export class SavedModel {
  readonly #runtime: Runtime
  readonly #spec: ModelSpec
  readonly #session: Session

  private constructor(runtime: Runtime, spec: ModelSpec, session: Session) {
    this.#runtime = runtime
    this.#spec = spec
    this.#session = session
  }

  static async open(
    runtime: Runtime,
    spec: ModelSpec,
    model: Uint8Array,
    options: { device: Device; threads: number } = {
      device: 'cpu',
      threads: Math.min(spec.threads ?? Infinity, availableParallelism()),
    },
  ): Promise<SavedModel> {
    return new SavedModel(runtime, spec, await runtime.open(model, options))
  }

  async predict(x: Uint8Array, n: number): Promise<Float32Array> {
    const feeds = { x: this.#runtime.tensor(x, [n, ...this.#spec.input.shape]) }
    const { probabilities } = await this.#session.run(feeds)
    if (!(probabilities?.data instanceof Float32Array))
      throw new TypeError('the model has no output "probabilities"')
    return probabilities.data
  }

  release(): Promise<void> {
    return this.#session.release()
  }
}

/** Writes beside the target and renames, so that a reader sees the old file or the new one. */
export async function saveModel(
  path: string,
  spec: ModelSpec,
  metadata: Readonly<Record<string, string>>,
  encode: (metadata: Readonly<Record<string, string>>) => Uint8Array,
): Promise<{ bytes: number; sha256: string }> {
  const taken = Object.keys(metadata).find((key) => key.startsWith(OURS))
  if (taken !== undefined)
    throw new InvalidArgumentError(
      `metadata key ${taken}: keys from "${OURS}" on are Millstream's.`,
    )
  const bytes = encode({ ...metadata, [SPEC]: JSON.stringify(spec) })
  const target = resolve(path)
  const draft = `${target}.${randomUUID()}.tmp`
  try {
    await writeDurably(draft, bytes)
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { force: true })
    throw new DataError(`Cannot save the model to ${path}: ${messageOf(error)}`, { cause: error })
  }
  await syncFolder(dirname(target))
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the rename durable; not every system opens folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * @throws DataError when the file cannot be read or `save` did not write it.
 */
export async function readModel(
  path: string,
): Promise<{ spec: ModelSpec; metadata: Record<string, string>; bytes: Uint8Array }> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new DataError(`Cannot read the model ${path}: ${messageOf(error)}`, { cause: error })
  })
  const all = readMetadata(bytes)
  const text = all[SPEC]
  if (text === undefined)
    throw new DataError(`${path} is an ONNX model that Millstream's save() did not write.`)
  const own = Object.entries(all).filter(([key]) => !key.startsWith(OURS))
  return { spec: JSON.parse(text) as ModelSpec, metadata: Object.fromEntries(own), bytes }
}
