/**
 * Runs before each test file: a promise that nobody handled fails the test in which it was rejected, by name.
 * (Vitest sees it too, but tells only the file.) Folders of tests are removed behind the file.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach } from 'vitest'
import { removeTestFolders } from './folder.ts'

const unhandled: unknown[] = []

process.on('unhandledRejection', (reason) => {
  unhandled.push(reason)
})

beforeEach(() => {
  unhandled.length = 0
})

afterEach(async () => {
  // Node reports rejections once the microtasks are done.
  await nextTurn()
  const reasons = unhandled.splice(0)
  if (reasons.length > 0) {
    throw new AggregateError(reasons, `unhandled rejection: ${String(reasons[0])}`)
  }
})

afterAll(removeTestFolders)
