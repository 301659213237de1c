import { readFileSync } from 'node:fs'
import { ClusterError, messageOf, redact } from '../errors/index.ts'

/**
 * How to reach NATS: what is left out comes from the environment. Passed on to the NATS client, so that all its ways to
 * prove who one is work.
 */
export interface NatsOptions {
  /** URLs such as `nats://user:password@host:4222` or `tls://host`. Default: `MILLSTREAM_NATS`, several with commas. */
  readonly servers?: string | readonly string[]
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  /** A file of credentials (`.creds`). Default: `MILLSTREAM_NATS_CREDS`. */
  readonly creds?: string
  /** A file that holds the seed of an NKEY. Default: `MILLSTREAM_NATS_NKEY`. */
  readonly nkey?: string
  /** Certificates, as files. Default for `caFile`: `MILLSTREAM_NATS_CA`. */
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string }
}

/** Settings of a connection with everything in its place. */
export interface ResolvedNats extends Omit<NatsOptions, 'servers' | 'creds' | 'nkey'> {
  readonly servers: readonly string[]
  readonly creds?: Uint8Array
  readonly nkey?: Uint8Array
}

/** @throws ClusterError when nobody said where NATS is, or a file cannot be read. */
export function resolveNats(options: NatsOptions = {}): ResolvedNats {
  const { env } = process
  const {
    servers = env['MILLSTREAM_NATS'],
    creds = env['MILLSTREAM_NATS_CREDS'],
    ...rest
  } = options
  const { nkey = env['MILLSTREAM_NATS_NKEY'], tls, ...plain } = rest
  const list = typeof servers === 'string' ? servers.split(',') : [...(servers ?? [])]
  const urls = list.flatMap((url) => (url.trim() === '' ? [] : urlOf(url.trim())))
  if (urls.length === 0) {
    throw new ClusterError(
      'no NATS server was named: millstream run FILE --nats nats://HOST:4222, or MILLSTREAM_NATS, or ' +
        'cluster({ nats: { servers: ... } }). On one machine, millstream dev FILE starts one',
    )
  }
  const caFile = tls?.caFile ?? env['MILLSTREAM_NATS_CA']
  const secured =
    tls !== undefined || caFile !== undefined || urls.some(({ protocol }) => protocol === 'tls:')
  return {
    ...loginIn(urls),
    ...plain,
    servers: urls.map(({ host }) => host),
    ...(creds !== undefined && { creds: secretIn(creds, 'credentials') }),
    ...(nkey !== undefined && { nkey: secretIn(nkey, 'an NKEY seed') }),
    ...(secured && { tls: { ...tls, ...(caFile !== undefined && { caFile }) } }),
  }
}

function urlOf(text: string): URL {
  try {
    return new URL(text.includes('://') ? text : `nats://${text}`)
  } catch (cause) {
    throw new ClusterError(`${redact(text)} is no address of a NATS server: nats://HOST:4222`, {
      cause,
    })
  }
}

/** The NATS client takes no login out of URLs. A user without a password is a token. */
function loginIn(urls: readonly URL[]): Pick<NatsOptions, 'user' | 'pass' | 'token'> {
  const { username = '', password = '' } = urls.find((url) => url.username !== '') ?? {}
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)]
  if (user === '') return {}
  return pass === '' ? { token: user } : { user, pass }
}

function secretIn(file: string, what: string): Uint8Array {
  try {
    return Buffer.from(readFileSync(file, 'utf8').trim())
  } catch (cause) {
    throw new ClusterError(`cannot read ${what} for NATS: ${messageOf(cause)}`, { cause })
  }
}
