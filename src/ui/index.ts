export { confusionTable, type ConfusionOptions } from './confusion.ts'
export {
  elements,
  jobsOf,
  type ElementRow,
  type ElementsOptions,
  type StageJob,
} from './elements.ts'
export { escapeHtml, page, type Fact, type PageParts, type Section } from './html.ts'
export { lineChart, type LineChartOptions, type Series } from './line-chart.ts'
export { duration, Progress, type ProgressOptions, type ProgressStream } from './progress.ts'
export { lanesOf, timeline, type Lane, type Slice, type TimelineOptions } from './timeline.ts'
