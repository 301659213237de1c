import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { testFolder } from '../folder.ts'

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // there is no such process
  }
}

test('processes end with the program that started them, even in an endless loop', async () => {
  const folder = testFolder()
  const program = fileURLToPath(new URL('./fixtures/leaves-orphans.js', import.meta.url))
  const child = spawn(process.execPath, [program, folder], { stdio: 'inherit' })
  await until(() => readdirSync(folder).length === 2)
  const pids = readdirSync(folder).map(Number)
  expect(pids.map(isAlive)).toEqual([true, true])
  child.kill('SIGKILL')
  await once(child, 'exit')
  await until(() => !pids.some(isAlive))
})
