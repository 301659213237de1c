import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Delivery } from './port.ts'

/** Milliseconds that the broker keeps a pull; then it is asked again. */
const EXPIRES_MS = 30_000
/** Milliseconds behind that after which the broker must have forgotten it. */
const GRACE_MS = 5_000
/** Milliseconds between two tries while there is no queue: its run makes it again. */
const RETRY_MS = 250
const NANOS = 1_000_000

/**
 * Waits for one message of a queue. The client library's own pull waits for its time to pass when the connection is lost
 * under it; this one asks again as soon as there is a server.
 */
export function pullOne(
  connection: NatsConnection,
  subject: string,
  onReturn: (told: () => void) => () => void,
  signal: AbortSignal,
): Promise<Delivery | undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const inbox = `_INBOX.${crypto.randomUUID().replaceAll('-', '')}`
    let timer: NodeJS.Timeout | undefined
    const again = (ms: number): void => {
      clearTimeout(timer)
      timer = setTimeout(ask, ms)
    }
    const ask = (): void => {
      const wanted = { batch: 1, expires: EXPIRES_MS * NANOS }
      again(EXPIRES_MS + GRACE_MS)
      connection.publish(subject, JSON.stringify(wanted), { reply: inbox })
    }
    const end = (delivery: Delivery | undefined): void => {
      clearTimeout(timer)
      forgetReturn()
      signal.removeEventListener('abort', onAbort)
      // A message that is on its way to a pull that was given up goes to another one at once.
      if (delivery === undefined) {
        subscription.callback = giveBack
        subscription.unsubscribe(1)
      } else subscription.unsubscribe()
      resolve(delivery)
    }
    const onAbort = (): void => end(undefined)
    const giveBack = (error: Error | null, message: Msg): void => {
      if (error === null && isDelivery(message)) deliveryOf(connection, message).giveBack()
    }
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) again(RETRY_MS)
        else if (isDelivery(message)) end(deliveryOf(connection, message))
        // 408: the pull has expired. Anything else: there is no queue, or it went away.
        else again(message.headers?.code === 408 ? 0 : RETRY_MS)
      },
    })
    const forgetReturn = onReturn(() => again(0))
    signal.addEventListener('abort', onAbort, { once: true })
    ask()
  })
}

function isDelivery({ reply }: Msg): boolean {
  return reply?.startsWith('$JS.ACK.') === true
}

function deliveryOf(connection: NatsConnection, { data, reply = '' }: Msg): Delivery {
  // $JS.ACK.STREAM.CONSUMER.DELIVERIES..., with a domain and an account before the stream in newer servers.
  const tokens = reply.split('.')
  const deliveries = Number(tokens[tokens.length > 9 ? 6 : 4])
  const say = (what: string): void => {
    if (!connection.isClosed()) connection.publish(reply, what)
  }
  return {
    data,
    deliveries,
    acknowledge: () => say('+ACK'),
    extend: () => say('+WPI'),
    giveBack: () => say('-NAK'),
  }
}
