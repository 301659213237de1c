import { async } from './cases/async.ts'
import { changed } from './cases/changed.ts'
import { cost } from './cases/cost.ts'
import { guide } from './cases/guide.ts'
import { images } from './cases/images.ts'
import { limits } from './cases/limits.ts'
import { memory } from './cases/memory.ts'
import { overhead } from './cases/overhead.ts'
import { overlap } from './cases/overlap.ts'
import { postgres } from './cases/postgres.ts'
import { resume } from './cases/resume.ts'
import { threads } from './cases/threads.ts'
import { tune } from './cases/tune.ts'
import type { Benchmark } from './harness.ts'

/** All benchmarks, by the name that `npm run bench` takes. */
export const benchmarks: Readonly<Record<string, Benchmark>> = {
  async,
  changed,
  cost,
  guide,
  images,
  limits,
  memory,
  overhead,
  overlap,
  postgres,
  resume,
  threads,
  tune,
}
