import { Dataset, threads, type Placed } from 'millstream'
import { leaves, upToTwo } from './stages.ts'

export default ({ args: [how] }: { readonly args: readonly string[] }): Dataset<unknown> => {
  const stage: Placed<number, number> = (how === 'exit' ? leaves : upToTwo).on(threads(1))
  return Dataset.range(10).map(stage)
}
