/** Names of environment variables whose values nobody may read in a log. */
const SECRET = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL/i

/** Values shorter than this are no secrets, and would be found everywhere. */
const SHORTEST = 6

/** The password of a URL: `postgres://user:password@host`. */
const IN_URL = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/gi

/**
 * A text without secrets: values of environment variables whose names have KEY, TOKEN, SECRET, PASSWORD or CREDENTIAL
 * in them become `[NAME]`, and passwords in URLs `[password]`.
 */
export function redact(text: string): string {
  let out = text
  for (const [name, value] of secrets()) {
    if (out.includes(value)) out = out.replaceAll(value, () => `[${name}]`)
  }
  return out.includes('://') ? out.replaceAll(IN_URL, '$1[password]') : out
}

/** Longest first: one may be a part of another. */
function secrets(): readonly (readonly [name: string, value: string])[] {
  const found: [string, string][] = []
  // Names first: each value that is read is a call into Node, and some runs make many errors.
  for (const name of Object.keys(process.env)) {
    if (!SECRET.test(name)) continue
    const value = process.env[name] ?? ''
    if (value.length < SHORTEST) continue
    found.push([name, value])
    // In JSON, in URLs and in other quoted places the value stands as it is written there.
    const [quoted, encoded] = [JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]
    for (const form of [quoted, encoded]) if (form !== value) found.push([name, form])
  }
  return found.sort(([, a], [, b]) => b.length - a.length)
}
