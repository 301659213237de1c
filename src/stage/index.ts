export {
  stage,
  type Stage,
  type StageFor,
  type StageModule,
  type StageParts,
  type StageTemplate,
} from './stage.ts'
export type { Place, Placed } from './placed.ts'
export { isStage } from './record.ts'
export { loadProgram, type Namespace } from './load.ts'
