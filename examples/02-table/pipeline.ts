import { Dataset, type Place, to } from 'millstream'
import { dedupe, fill, normalize, type Survey } from './stages.ts'

/** Lines of the table as sales, each once. */
export function sales(path: string, place: Place) {
  const read = Dataset.lines(path).skip(1).map(dedupe.on(place))
  return { read, kept: read.unique(({ key }) => key) }
}

/** The whole work, one worker for each stage where `place` is `threads(1)`. */
export function cleaning(path: string, output: string, survey: Survey, place: Place) {
  const { read, kept } = sales(path, place)
  const filled = kept.map(fill.with(survey).on(place))
  const normalized = filled.map(normalize.with(survey).on(place))
  return {
    pipeline: normalized.write(to.jsonl(output)),
    /** Ids of the stages, as events name them. */
    stages: [
      ['dedupe', read.plan.id],
      ['fill', filled.plan.id],
      ['normalize', normalized.plan.id],
    ] as const,
  }
}
