import type { Outcome } from './job.ts'
export async function reportPage(o: Outcome): Promise<string> {
  return String(o.seconds)
}
