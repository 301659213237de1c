/** What the engine's thread can be asked, what it answers, and how errors travel. */

import {
  CheckpointMismatchError,
  ClosedError,
  DataError,
  InvalidArgumentError,
  MillstreamError,
  MissingPackageError,
  messageOf,
} from '../../errors/index.ts'
import type { ErrorCode } from '../../errors/index.ts'
import type { ModelSpec, StepResult, Trainer } from '../trainer.ts'

/** Times of a step in here are milliseconds since 1970, the clock all threads share. */
export interface Calls {
  create: { ask: { spec: ModelSpec }; answer: Trainer['device'] }
  load: { ask: { path: string }; answer: { spec: ModelSpec; metadata: Record<string, string> } }
  step: { ask: { x: Uint8Array; y: Int32Array; lr: number }; answer: StepResult }
  predict: { ask: { x: Uint8Array; n: number }; answer: Float32Array }
  checkpoint: { ask: null; answer: Uint8Array }
  restore: { ask: { checkpoint: Uint8Array }; answer: null }
  save: {
    ask: { path: string; metadata: Readonly<Record<string, string>> }
    answer: { bytes: number; sha256: string }
  }
  close: { ask: null; answer: null }
}

export type CallName = keyof Calls

export type Request = {
  [K in CallName]: { readonly id: number; readonly call: K; readonly ask: Calls[K]['ask'] }
}[CallName]

export type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: WireError }

/** An error as plain data: structured cloning would drop its class and code. */
export interface WireError {
  readonly code?: ErrorCode
  readonly message: string
  readonly stack?: string
}

export function packError(error: unknown): WireError {
  return {
    message: messageOf(error),
    ...(error instanceof MillstreamError ? { code: error.code } : {}),
    ...(error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {}),
  }
}

export function unpackError(wire: WireError): Error {
  const cause = new Error(wire.message)
  if (wire.stack !== undefined) cause.stack = wire.stack
  switch (wire.code) {
    case 'MILLSTREAM_MISSING_PACKAGE':
      return missingRuntime(cause)
    case 'MILLSTREAM_INVALID_ARGUMENT':
      return new InvalidArgumentError(wire.message, { cause })
    case 'MILLSTREAM_CHECKPOINT_MISMATCH':
      return new CheckpointMismatchError(wire.message, { cause })
    case 'MILLSTREAM_DATA':
      return new DataError(wire.message, { cause })
    case 'MILLSTREAM_CLOSED':
      return new ClosedError(wire.message, { cause })
    default:
      return cause
  }
}

/** Says how to install the runtime without its optional download. */
export function missingRuntime(cause: unknown): MissingPackageError {
  return new MissingPackageError(
    'onnxruntime-node',
    'Training',
    '`ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node`, or put the line ' +
      'onnxruntime-node-install=skip into .npmrc first. Without one of these its install script ' +
      'downloads CUDA libraries on Linux x64, and fails where it cannot; CPU and WebGPU need none of them.',
    { cause },
  )
}
