import { call } from './call.ts'
import { csv } from './csv.ts'
import { jsonl } from './jsonl.ts'

export type { CallContext, CallOptions } from './call.ts'
export type { CsvOptions, CsvRow, CsvValue } from './csv.ts'

/** Where elements can be written: `dataset.write(to.jsonl('out.jsonl'))`. */
export const to = { jsonl, csv, call } as const
