/** onnxruntime-node behind a few lines: loaded when needed, every entry into native code guarded. */

import type * as ort from 'onnxruntime-node'
import { missingRuntime } from './protocol.ts'

export type Tensor = ort.Tensor
export type Feeds = Record<string, Tensor>
export type Device = 'cpu' | 'gpu'

export interface Session {
  readonly inputs: readonly string[]
  run(feeds: Feeds): Promise<Feeds>
  release(): Promise<void>
}

export interface Runtime {
  tensor(data: Float32Array | Int32Array | Uint8Array, shape: readonly number[]): Tensor
  open(model: Uint8Array, options: { device: Device; threads: number }): Promise<Session>
}

/** Wraps what enters native code. */
export type Native = <T>(work: () => Promise<T>) => Promise<T>

/**
 * @throws MissingPackageError when onnxruntime-node is not installed or does not start here.
 */
export async function loadRuntime(native: Native): Promise<Runtime> {
  const { InferenceSession, Tensor } = await native(() => import('onnxruntime-node')).catch(
    (cause: unknown) => {
      throw missingRuntime(cause)
    },
  )
  return {
    tensor: (data, shape) => new Tensor(typeOf(data), data, shape),
    open: async (model, { device, threads }) => {
      const session = await native(() =>
        InferenceSession.create(model, {
          executionProviders: [device === 'gpu' ? 'webgpu' : 'cpu'],
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          logSeverityLevel: 3,
          // Waiting threads that spin take the cores the pipeline prepares the next batch on.
          extra: { session: { intra_op: { allow_spinning: '0' } } },
        }),
      )
      return {
        inputs: session.inputNames,
        run: (feeds) => native(() => session.run(feeds)),
        release: () => session.release(),
      }
    },
  }
}

function typeOf(data: Float32Array | Int32Array | Uint8Array): 'float32' | 'int32' | 'uint8' {
  if (data instanceof Float32Array) return 'float32'
  return data instanceof Int32Array ? 'int32' : 'uint8'
}
