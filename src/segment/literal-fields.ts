/**
 * The names of the fields of what a function returns, where its text leaves no doubt: an arrow whose body is an object
 * literal, `(x) => ({ id: x.id, value: 2 * x.value })`, with no spread, accessor or computed name in it. Such a record
 * has these fields and no other, so that nobody has to look.
 *
 * Reading JavaScript takes a parser; this reads the little that needs none, and gives up on the rest: on what may
 * begin a comment, a regular expression or a template, and on escapes.
 */
export function literalFields(fn: unknown): ReadonlySet<string> | undefined {
  if (typeof fn !== 'function') return undefined
  // Of a function that only looks like one (bound, a Proxy) this says `[native code]`.
  const text = Function.prototype.toString.call(fn)
  if (/[/`\\]|<!--|-->/.test(text) || text.startsWith('async')) return undefined
  const body = bodyOf(text)
  return body === undefined ? undefined : namesIn(body)
}

/** What stands between the braces of `... => ({ ... })`. */
function bodyOf(text: string): string | undefined {
  const arrow = [...outermost(text)].find((i) => text.startsWith('=>', i))
  if (arrow === undefined) return undefined
  const open = /^\s*\(\s*\{/.exec(text.slice(arrow + 2))
  if (open === null) return undefined
  const body = text.slice(arrow + 2 + open[0].length)
  const end = closingOf(body)
  return end !== undefined && /^\}\s*\)\s*$/.test(body.slice(end)) ? body.slice(0, end) : undefined
}

/** `name: value`, `'name': value`, or `name` alone. */
const MEMBER = /^\s*(?:([\w$]+)\s*(?::|$)|'([^']*)'\s*:|"([^"]*)"\s*:)/

function namesIn(body: string): ReadonlySet<string> | undefined {
  const commas = [...outermost(body)].filter((i) => body[i] === ',')
  const members = [...commas, body.length].map((end, k) =>
    body.slice((commas[k - 1] ?? -1) + 1, end),
  )
  if (members.at(-1)?.trim() === '') members.pop() // behind the last comma
  const names = new Set<string>()
  for (const member of members) {
    const [, plain, quoted, doubled] = MEMBER.exec(member) ?? []
    const name = plain ?? quoted ?? doubled
    // A number is written in many ways; `__proto__` is no field.
    if (name === undefined || /^\d/.test(name) || name === '__proto__') return undefined
    names.add(name)
  }
  return names
}

/** Places in `text` that are in no bracket and no string, up to one that closes a bracket before it: its place. */
function* outermost(text: string): Generator<number, number | undefined> {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ''
    if (c === '"' || c === "'") i = endOfString(text, i)
    else if ('([{'.includes(c)) depth++
    else if (!')]}'.includes(c)) {
      if (depth === 0) yield i
    } else if (depth-- === 0) return i
  }
  return undefined
}

function closingOf(text: string): number | undefined {
  const places = outermost(text)
  for (;;) {
    const { done, value } = places.next()
    if (done === true) return value
  }
}

/** There are no escapes in `text`. */
function endOfString(text: string, start: number): number {
  const end = text.indexOf(text[start] ?? '', start + 1)
  return end < 0 ? text.length : end
}
