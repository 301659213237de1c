import * as fc from 'fast-check'
import { Dataset } from 'millstream'
import type { Step } from './plans.ts'

/** Steps of random pipelines that take elements of several datasets in turn, or some of one by chance. */

const others = [500, 501, 502, 503, 504]

/** Choices and what they give, by tf.data's rules. */
function chosen(
  datasets: readonly (readonly number[])[],
  choices: readonly number[],
  stopOnEmpty: boolean,
): number[] {
  const left = datasets.map((xs) => [...xs])
  const out: number[] = []
  for (const choice of choices) {
    const x = left[choice]?.shift()
    if (x !== undefined) out.push(x)
    else if (stopOnEmpty) break
  }
  return out
}

export const directedSteps: readonly fc.Arbitrary<Step>[] = [
  fc
    .tuple(fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 6 }), fc.boolean())
    .map(([pattern, stopOnEmptyDataset]) => {
      const choices = Array.from({ length: 60 }, (_, k) => pattern[k % pattern.length] ?? 0)
      return {
        name: `chooseFromDatasets([${pattern.join()}], ${stopOnEmptyDataset})`,
        apply: (ds) =>
          Dataset.chooseFromDatasets(
            [ds, Dataset.fromArray(others).map((x) => x), ds.map((x) => x + 1)],
            Dataset.fromArray(choices),
            { stopOnEmptyDataset },
          ),
        model: (xs) => chosen([xs, others, xs.map((x) => x + 1)], choices, stopOnEmptyDataset),
      }
    }),
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()).map(([weight, stopOnEmptyDataset]) => ({
    name: `sampleFromDatasets(${weight}, ${stopOnEmptyDataset})`,
    apply: (ds) =>
      Dataset.sampleFromDatasets([ds, Dataset.fromArray(others)], {
        weights: [weight, 1],
        seed: weight,
        stopOnEmptyDataset,
        rerandomizeEachIteration: weight > 2,
      }),
  })),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()).map(([seed, known]) => ({
    name: `rejectionResample(${seed}, ${known})`,
    apply: (ds) =>
      ds.rejectionResample({
        class: (x) => ((x % 3) + 3) % 3,
        targetDist: [seed, 1, 2],
        ...(known && { initialDist: [1, 1, 1] }),
        ...(seed > 1 && { seed }),
      }),
  })),
]
