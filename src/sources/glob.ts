/** `*`, `?`, `**` and `{a,b}` in paths. (Node's own `path.matchesGlob` is not in Node 20.) */

const MAGIC = /[*?{]/

export function isGlob(pattern: string): boolean {
  return MAGIC.test(pattern)
}

/** The folder that holds all matches: the part before the first `*`, `?` or `{`. */
export function globBase(pattern: string): string {
  const fixed = pattern.slice(0, pattern.search(MAGIC))
  const end = fixed.lastIndexOf('/')
  return end < 0 ? '.' : end === 0 ? '/' : fixed.slice(0, end)
}

/** `**` crosses folders, `*` and `?` do not. Paths have forward slashes. */
export function globToRegExp(pattern: string): RegExp {
  const clean = pattern.replace(/^\.\//, '')
  const tokens = clean.match(/\*\*\/|\*\*|[*?{},]|[^*?{},]+/g) ?? []
  let depth = 0
  const source = tokens.map((token) => {
    if (token === '{') depth++
    if (token === '}') depth--
    return translate(token, depth)
  })
  return new RegExp(`^${source.join('')}$`)
}

function translate(token: string, depth: number): string {
  if (token === '**/') return '(?:[^/]+/)*'
  if (token === '**') return '.*'
  if (token === '*') return '[^/]*'
  if (token === '?') return '[^/]'
  if (token === '{') return '(?:'
  if (token === '}') return ')'
  if (token === ',') return depth > 0 ? '|' : ','
  return token.replace(/[.+^$()|[\]\\]/g, '\\$&')
}
