/** What golden pipelines expect to be refused and TypeScript's checker refuses: this file does not run, it compiles. */
import { Dataset } from '../../src/index.ts'

const numbers = Dataset.range(9)

export const refused = [
  // @ts-expect-error a predicate must give a boolean
  () => numbers.filter((x) => x * 2),
  // @ts-expect-error a predicate must give a boolean
  () => numbers.takeWhile((x) => x * 2),
  // @ts-expect-error a count is a number
  () => numbers.take('two'),
]
