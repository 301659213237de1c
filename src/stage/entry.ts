/**
 * `millstream/stage`: what a module of stages needs, and nothing else. Workers import such modules when they start, and
 * with `millstream` the whole library, of which they use no more than this.
 */
export {
  stage,
  type Stage,
  type StageFor,
  type StageModule,
  type StageParts,
  type StageTemplate,
} from './stage.ts'
export { Column, Tensor } from '../tensor/tensor.ts'
export type { Local } from '../stream/local.ts'
