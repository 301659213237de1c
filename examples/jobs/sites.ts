import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A web site on this machine, a host of its own by its port, that counts how it is called. */
export interface Site {
  readonly url: string
  /** Paths in the order in which they were asked for. */
  readonly calls: readonly string[]
  readonly mostAtOnce: number
  close(): Promise<void>
}

/**
 * Sites whose first answers wait until each of them was called: who takes one host after the other waits for ever. They
 * answer each page with 503 the first time in ten.
 */
export async function openSites(count: number): Promise<readonly Site[]> {
  const open = new Set<number>()
  const waiting: (() => void)[] = []
  const allCalled = (index: number): Promise<void> =>
    new Promise((resolve) => {
      open.add(index)
      waiting.push(resolve)
      if (open.size === count) for (const go of waiting.splice(0)) go()
    })
  return Promise.all(Array.from({ length: count }, (_, index) => openSite(() => allCalled(index))))
}

async function openSite(begun: () => Promise<void>): Promise<Site> {
  const calls: string[] = []
  let atOnce = 0
  const site = { url: '', calls, mostAtOnce: 0, close }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const first = !calls.includes(path)
    calls.push(path)
    site.mostAtOnce = Math.max(site.mostAtOnce, ++atOnce)
    response.once('close', () => atOnce--)
    void begun().then(() => {
      if (!path.startsWith('/page/')) response.writeHead(404)
      else if (path.endsWith('3') && first) response.writeHead(503, { 'retry-after': '0' })
      response.end(`<html><title>Page ${path}</title></html>`)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return site

  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
}
