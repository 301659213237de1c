import { open, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Files that are there as a whole or not at all, also when the machine loses its power. */

/** Replaces the content of a file. Whoever reads it sees what was there or what is there now. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.next`
  const handle = await open(next, 'w')
  try {
    await handle.writeFile(text)
    await handle.datasync()
  } finally {
    await handle.close()
  }
  await rename(next, path)
  await syncFolder(dirname(path))
}

/** The same without waiting for the disk: whole for every process, but a loss of power may take it back. */
export async function replaceQuickly(path: string, text: string): Promise<void> {
  const next = `${path}.next`
  await writeFile(next, text)
  await rename(next, path)
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
