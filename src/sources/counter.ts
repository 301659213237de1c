import type { IndexedSource, SourceSpec } from '../stream/spec.ts'

export interface CounterParams {
  readonly start: number
  readonly step: number
}

export const counterSpec: SourceSpec<CounterParams> = {
  op: 'counter',
  kind: 'source',
  summary: 'Numbers from start on, by step, without end.',
  tfData: 'counter',
  structure: ({ start, step }) => ({ start, step }),
  cardinality: () => Infinity,
  bytes: () => 8,
  indexed: ({ start, step }): IndexedSource => ({
    length: Infinity,
    emit: (_, i) => `${start} + ${i} * ${step}`,
    at: (i) => start + i * step,
  }),
}
