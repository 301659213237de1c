import { Dataset, inline, to } from 'millstream'
import { cluster } from 'millstream/cluster'
import { deadly, inflate, waits, weigh, work } from '../../cluster/fixtures/stages.ts'

interface Context {
  readonly args: readonly string[]
}

/** What, how many elements, into which file, and where. */
export default ({ args: [what, count = '100', out = 'out.jsonl', more = ''] }: Context) => {
  const numbers = Dataset.range(Number(count))
  const place = more === 'inline' ? inline : cluster({ ackWait: '1s', maxDeliveries: 3 })
  const sink = to.jsonl(out)
  if (what === 'large') return numbers.map(inflate.on(place)).map(weigh.on(place)).write(sink)
  if (what === 'deadly') {
    const at = JSON.parse(more) as { readonly process: number; readonly thread: number }
    return numbers.map(deadly.with(at).on(place), { onError: 'skip' }).write(sink)
  }
  if (what === 'waits') return numbers.map(waits.with(more).on(place)).write(sink)
  return numbers.map(work.on(place)).write(sink)
}
