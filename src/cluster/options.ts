import { readFileSync } from 'node:fs'
import { ClusterError, messageOf } from '../errors/index.ts'

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
  const urls = list.map((url) => url.trim()).filter((url) => url !== '')
  if (urls.length === 0) {
    throw new ClusterError(
      'no NATS server was named: millstream run FILE --nats nats://HOST:4222, or MILLSTREAM_NATS, or ' +
        'cluster({ nats: { servers: ... } }). On one machine, millstream dev FILE starts one',
    )
  }
  const caFile = tls?.caFile ?? env['MILLSTREAM_NATS_CA']
  const secured = tls !== undefined || caFile !== undefined
  return {
    ...plain,
    servers: urls,
    ...(creds !== undefined && { creds: secretIn(creds, 'credentials') }),
    ...(nkey !== undefined && { nkey: secretIn(nkey, 'an NKEY seed') }),
    ...(secured && { tls: { ...tls, ...(caFile !== undefined && { caFile }) } }),
  }
}

function secretIn(file: string, what: string): Uint8Array {
  try {
    return Buffer.from(readFileSync(file, 'utf8').trim())
  } catch (cause) {
    throw new ClusterError(`cannot read ${what} for NATS: ${messageOf(cause)}`, { cause })
  }
}
