import { DIGEST_BYTES } from '../../tensor/value-key.ts'
import { Bloom } from './bloom.ts'
import { ScratchFile } from './scratch.ts'

/** Digests that are read at once; one is looked up by reading one page. */
const PAGE = 256
const PAGE_BYTES = PAGE * DIGEST_BYTES

/** Pages that are read and written at once while runs are merged. */
const BLOCK_PAGES = 16

/** Sorted digests in a file, with the first one of each page in memory. */
export class DigestRun {
  readonly length: number
  readonly filter: Bloom
  readonly #file: ScratchFile
  readonly #firsts: readonly string[]

  private constructor(file: ScratchFile, firsts: readonly string[], length: number, filter: Bloom) {
    this.#file = file
    this.#firsts = firsts
    this.length = length
    this.filter = filter
  }

  /** Writes sorted digests that come in blocks. */
  static async write(
    blocks: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
    filterBits: number,
  ): Promise<DigestRun> {
    const file = await ScratchFile.make()
    try {
      const filter = new Bloom(filterBits)
      const firsts: string[] = []
      let length = 0
      for await (const block of blocks) {
        await file.write(Buffer.from(block.join(''), 'latin1'), length * DIGEST_BYTES)
        for (const digest of block) {
          if (length++ % PAGE === 0) firsts.push(digest)
          filter.add(digest)
        }
      }
      return new DigestRun(file, firsts, length, filter)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** One run of all digests of several. */
  static merge(runs: readonly DigestRun[], filterBits: number): Promise<DigestRun> {
    return DigestRun.write(merged(runs), filterBits)
  }

  /** Those of `digests` that it holds. */
  async find(digests: readonly string[]): Promise<readonly string[]> {
    const byPage = new Map<number, string[]>()
    for (const digest of digests) {
      if (!this.filter.mayHave(digest)) continue
      const page = lastAtMost(this.#firsts, digest)
      if (page < 0) continue
      const wanted = byPage.get(page)
      if (wanted === undefined) byPage.set(page, [digest])
      else wanted.push(digest)
    }
    const found = await Promise.all([...byPage].map(([page, wanted]) => this.#onPage(page, wanted)))
    return found.flat()
  }

  /** The digests of some pages. */
  async block(page: number, pages: number): Promise<readonly string[]> {
    const bytes = await this.#file.read(page * PAGE_BYTES, pages * PAGE_BYTES)
    const text = bytes.toString('latin1')
    return Array.from({ length: text.length / DIGEST_BYTES }, (_, k) =>
      text.slice(k * DIGEST_BYTES, (k + 1) * DIGEST_BYTES),
    )
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #onPage(page: number, wanted: readonly string[]): Promise<readonly string[]> {
    const digests = await this.block(page, 1)
    return wanted.filter((digest) => digests[lastAtMost(digests, digest)] === digest)
  }
}

/** Digests of several runs in order, by blocks. No digest is in two runs. */
async function* merged(runs: readonly DigestRun[]): AsyncGenerator<readonly string[]> {
  const heads = runs.map((run) => ({ run, page: 0, digests: [] as readonly string[], at: 0 }))
  let out: string[] = []
  for (;;) {
    let least: string | undefined
    let from: (typeof heads)[number] | undefined
    for (const head of heads) {
      if (head.at === head.digests.length) {
        head.digests = await head.run.block(head.page, BLOCK_PAGES)
        head.page += BLOCK_PAGES
        head.at = 0
      }
      const digest = head.digests[head.at]
      if (digest !== undefined && (least === undefined || digest < least)) {
        least = digest
        from = head
      }
    }
    if (least === undefined || from === undefined) break
    from.at++
    if (out.push(least) < BLOCK_PAGES * PAGE) continue
    yield out
    out = []
  }
  if (out.length > 0) yield out
}

/** Place of the last of some sorted texts that is not behind `text`, or -1. */
function lastAtMost(sorted: readonly string[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') <= text) low = middle + 1
    else high = middle
  }
  return low - 1
}
