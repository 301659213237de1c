import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { StorageError } from '../../src/errors/index.ts'
import { DeadLog, NO_LETTERS } from '../../src/run/dead/dead-log.ts'

const letter = {
  id: 'a',
  stage: 'map#1',
  index: 0,
  element: 1,
  error: new Error('no'),
  attempts: 1,
}

test.runIf(process.platform === 'linux')(
  'letters that could not be made durable once are never taken for durable',
  async () => {
    const path = join(testFolder(), 'dead.jsonl')
    const log = await DeadLog.open(path, NO_LETTERS)
    symlinkSync('/dev/null', path) // takes what is written, and refuses to sync
    void log.put(letter)
    for (let k = 0; k < 2; k++) await expect(log.sync()).rejects.toThrow(StorageError)
    await log.close()
  },
)
