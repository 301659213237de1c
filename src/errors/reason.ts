/** What mends the system's errors, and what a stage throws for the user, by their codes. */
const mends: Readonly<Record<string, () => string>> = {
  ENOENT: () => `check the path, relative ones are seen from ${process.cwd()}`,
  EACCES: access,
  EPERM: access,
  EROFS: access,
  ENOTDIR: () => 'a file is where a folder should be: name another path',
  EISDIR: () => 'that is a folder: name a file in it',
  ENOSPC: () => 'make room on the disk, and run it again',
  EMFILE: () =>
    'open fewer files at once (parallelism), or let the process have more: ulimit -n 4096',
  ECONNREFUSED: () => 'start the server, or check its host and port',
  ENOTFOUND: () => 'check the name of the host',
  MILLSTREAM_INVALID_ELEMENT: () =>
    "mend the element or the schema, or leave such elements out: validate(schema, { onError: 'skip' })",
  ERR_MODULE_NOT_FOUND: () => 'install the package (npm i NAME), or check the path of the import',
}

function access(): string {
  return 'let this user have access (ls -ld shows who has), or name another path'
}

/** How deep a system's error hides: `fetch failed` has it as its cause. */
const maxDepth = 4

/** How to mend it; undefined where only the user can know, or the error says so itself. */
export function mendOf(error: unknown): string | undefined {
  let at = error
  for (let depth = 0; at instanceof Error && depth < maxDepth; depth++) {
    const code = 'code' in at && typeof at.code === 'string' ? at.code : ''
    if (Object.hasOwn(mends, code)) return mends[code]?.()
    // Others say so themselves.
    if (code.startsWith('MILLSTREAM_') && code !== 'MILLSTREAM_DATA') return undefined
    at = at.cause
  }
  return undefined
}

/** The message of anything that can be thrown, with the reason that `fetch` hides, and what mends it where that is known. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const { message, cause } = thrown
  const hidden = message === 'fetch failed' && cause instanceof Error ? messageOf(cause) : ''
  const reason = hidden === '' ? message : `${message}: ${hidden}`
  const mend = mendOf(thrown)
  return mend === undefined || reason.includes(mend) ? reason : `${reason}; ${mend}`
}

/** Connections that were tried by several addresses fail with an error for each, and no message. */
function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message
  return error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join(', ')
}
