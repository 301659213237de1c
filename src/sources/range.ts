import type { IndexedSource, SourceSpec } from '../stream/spec.ts'

export interface RangeParams {
  readonly start: number
  readonly stop: number
  readonly step: number
}

export const rangeSpec: SourceSpec<RangeParams> = {
  op: 'range',
  kind: 'source',
  summary: 'The numbers from start up to and without stop.',
  tfData: 'range',
  structure: ({ start, stop, step }) => ({ start, stop: String(stop), step }),
  cardinality: rangeLength,
  bytes: () => 8,
  indexed: (params): IndexedSource => ({
    length: rangeLength(params),
    emit: (_, i) =>
      params.start === 0 && params.step === 1 ? i : `${params.start} + ${i} * ${params.step}`,
    at: (i) => params.start + i * params.step,
  }),
}

function rangeLength({ start, stop, step }: RangeParams): number {
  return Math.max(0, Math.ceil((stop - start) / step))
}
