/** True when a value can be sent to another thread; functions and what holds them cannot. */
export function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false // a DataCloneError is the answer
  }
}
