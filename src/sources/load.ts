import { DataError } from '../errors/index.ts'
import type { IndexedSource, SourceSpec } from '../stream/spec.ts'
import { findManifest, type Manifest } from '../storage/store/manifest.ts'
import { StoreFile } from '../storage/store/store-file.ts'
import { StoreReading } from '../storage/store/store-reading.ts'

export interface LoadParams {
  readonly folder: string
  /** As it was when the pipeline was described. */
  readonly manifest: Manifest
}

export const loadSpec: SourceSpec<LoadParams> = {
  op: 'load',
  kind: 'source',
  summary: 'The elements of a folder that save or cache wrote.',
  tfData: 'load; by position, so a shuffle of all needs no buffer',
  structure: ({ manifest }) => ({ elements: manifest.elements, id: manifest.id }),
  cardinality: ({ manifest }) => manifest.elements,
  bytes: ({ manifest }) =>
    manifest.elements === 0 ? undefined : Math.ceil(manifest.bytes / manifest.elements),
  traits: ({ folder }) => ({ runs: `reads ${folder}` }),
  indexed: (params): IndexedSource => ({
    length: params.manifest.elements,
    reading: () => new StoreReading(() => openAsDescribed(params)),
    emit: (_, i, own) => `${own}.at(${i})`,
    at: (i, own) => (own as StoreReading).at(i),
    origin: (i) => `${params.folder}, element ${i}`,
  }),
}

async function openAsDescribed({ folder, manifest }: LoadParams): Promise<StoreFile> {
  const now = await findManifest(folder)
  if (now?.id === manifest.id) return StoreFile.open(folder, now)
  throw new DataError(
    now === undefined
      ? `the folder ${folder} was removed since the pipeline was described`
      : `the folder ${folder} was written anew, with other elements, since the pipeline was described. Describe it again`,
  )
}
