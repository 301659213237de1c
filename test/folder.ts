import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

/** A new folder for a test; setup.ts removes all of a test file behind it. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millstream-test-'))
  made.push(folder)
  return folder
}

/** Removes what `testFolder` made. */
export function removeTestFolders(): void {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
}
