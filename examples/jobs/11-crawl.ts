// Pages of many hosts: all hosts at the same time, each at the pace it can bear.
import { Dataset, limit, type Local, to } from 'millstream'
import { ok } from 'millstream/http'

async function crawl(url: string, { signal }: Local) {
  const page = await ok(fetch(url, { signal, headers: { 'user-agent': 'example-crawler' } }))
  return { url, html: await page.text() }
}

export default Dataset.lines('urls.txt')
  .unique()
  .map(crawl, {
    limit: (url) => limit(new URL(url).host, { requests: '30/s', inFlight: 2 }),
    timeout: '20s',
    retry: 3,
    onError: 'deadLetter',
  })
  .map(({ url, html }) => ({ url, title: /<title>(.*?)<\/title>/.exec(html)?.[1] ?? '' }))
  .write(to.jsonl('pages.jsonl'))
