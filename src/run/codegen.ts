let allowed: boolean | undefined

/** False under `--disallow-code-generation-from-strings`; then segments are interpreted. */
export function codegenAllowed(): boolean {
  if (allowed === undefined) {
    try {
      allowed = typeof new Function('return true') === 'function'
    } catch {
      allowed = false // an EvalError is the answer
    }
  }
  return allowed
}
