import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CallLog } from '../../src/run/call-log.ts'

/** Files under `folder` that this process has open. */
function openIn(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(folder) ? [path] : []
    } catch {
      return [] // the one of this list itself
    }
  })
}

test.runIf(process.platform === 'linux')(
  'a log that cannot be written any more leaves no file open',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millstream-calls-'))
    const before = new CallLog(folder)
    await before.put('a', Buffer.from('1'))
    await before.close()

    const log = new CallLog(folder)
    expect(await log.get('a')).toEqual(Buffer.from('1'))
    expect(openIn(folder)).toHaveLength(1)
    rmSync(folder, { recursive: true })
    const put = log.put('b', Buffer.from('2'))
    await expect(Promise.all([log.close(), put])).rejects.toThrow('ENOENT')
    await expect.poll(() => openIn(folder)).toEqual([])
  },
)
