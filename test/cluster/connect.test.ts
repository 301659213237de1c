import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { ClusterError, InvalidArgumentError } from 'millstream'
import { cluster, resolveNats } from 'millstream/cluster'
import { expect, test } from 'vitest'
import { connectNats } from '../../src/cluster/nats.ts'

/** As much of a server as a client needs to see its version. */
async function versioned(version: string): Promise<AsyncDisposable & { readonly url: string }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const info = { server_id: 'x', version, max_payload: 1_048_576, headers: true, jetstream: true }
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    socket.on('data', (data) => {
      if (data.includes('PING')) socket.write('PONG\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    url: `nats://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

test.each(['2.10.0', '2.10.22'])(
  'a server of version %s is refused, with the reason',
  async (version) => {
    await using server = await versioned(version)
    const connecting = connectNats(resolveNats({ servers: server.url }), 'test')
    await expect(connecting).rejects.toThrow(ClusterError)
    await expect(connecting).rejects.toThrow(/is 2\.10\.\d+: .*can lose whole streams/)
  },
)

test('options that can never work are refused while the pipeline is described', () => {
  expect(() => cluster({ workers: 0 })).toThrow(InvalidArgumentError)
  expect(() => cluster({ labels: ['a b'] })).toThrow(/without commas and blanks/)
  expect(() => cluster({ tenant: 'a.b' })).toThrow(/letters, digits and _/)
  expect(() => cluster({ ackWait: '0s' })).toThrow(/ackWait/)
})

test('where NATS is must be said', () => {
  expect(() => resolveNats({ servers: '' })).toThrow(/no NATS server was named/)
  expect(() => resolveNats({ servers: 'nats://x', creds: '/nowhere' })).toThrow(
    /cannot read credentials/,
  )
})
