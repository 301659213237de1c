export {
  stage,
  type Stage,
  type StageModule,
  type StageParts,
  type StageTemplate,
} from './stage.ts'
export type { Place, Placed } from './placed.ts'
