import { UsageError } from '../errors/index.ts'
import { print } from './output.ts'
import { loadPipeline } from './pipeline.ts'
import type { Stop } from './stop.ts'

/** `millstream explain`: prints the plan; the exit code. */
export async function explain(file: string, args: readonly string[], stop: Stop): Promise<number> {
  const dataset = await loadPipeline(file, { signal: stop.signal, args })
  if (stop.code !== undefined) return stop.code
  if (!dataset)
    throw new UsageError(`the function that ${file} exports returned no Dataset to explain`)
  await print(dataset.explain().trimEnd())
  return 0
}
