/**
 * Runs before each test file: a promise that nobody handled fails the test in which it was rejected, by name
 * (vitest sees it too, but tells only the file), and a test that leaves something open fails. Folders of tests
 * are removed behind the file.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach } from 'vitest'
import { type Leak, type LeakWatch, watchLeaks } from '../src/testing/leaks/leaks.ts'
import { removeTestFolders } from './folder.ts'

const unhandled: unknown[] = []
let watch: LeakWatch

/** onnxruntime opens files of its own when it is loaded, and keeps them as long as the process lives. */
const allow = ({ what }: Leak): boolean =>
  /^file .*(\/mat-debug-\d+\.log|\.onnxruntime\/onnxruntime\.db(-\w+)?)$/.test(what)

process.on('unhandledRejection', (reason) => {
  unhandled.push(reason)
})

// The first of all hooks: what those of files open for each test counts, what they open for all does not.
beforeEach(() => {
  unhandled.length = 0
  watch = watchLeaks({ allow })
})

// Runs behind all others.
afterEach(async ({ task }) => {
  // Node reports rejections once the microtasks are done.
  await nextTurn()
  const reasons = unhandled.splice(0)
  if (reasons.length > 0) {
    throw new AggregateError(reasons, `unhandled rejection: ${String(reasons[0])}`)
  }
  // A test that failed may have left anything in the middle.
  if (task.result?.state !== 'fail') await watch.check()
})

afterAll(removeTestFolders)
