import type { Json, Token } from './operator.ts'

/** A token as the JSON it stands for. */
export function plain(token: Token): Json {
  return JSON.parse(JSON.stringify(token)) as Json
}
