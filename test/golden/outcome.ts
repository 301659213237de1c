/** How one golden case went. */
export type Outcome =
  | { readonly status: 'passed' }
  | { readonly status: 'failed'; readonly expected: string; readonly got: string }
  | { readonly status: 'skipped'; readonly why: string }

/** Runs one case of a group; `header` is that of its file, `folder` where it lies. */
export type RunCase = (testCase: unknown, header: unknown, folder: string) => Promise<Outcome>

/** A case needs something the library does not have; `what` names it, such as `operator window`. */
export class Unsupported extends Error {}

export const passed: Outcome = { status: 'passed' }

export function skipped(why: string): Outcome {
  return { status: 'skipped', why }
}

export function failed(expected: unknown, got: unknown): Outcome {
  return { status: 'failed', expected: textOf(expected), got: textOf(got) }
}

const longest = 600

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text
}
