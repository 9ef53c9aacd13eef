import { type ConnectionOptions, ErrorCode, type NatsConnection, NatsError } from 'nats'
import { connectTransport, DialAttempts } from './bus-transport.ts'

/** Paths of PEM files. The name in the server's URL must be in its certificate; addresses cannot be. */
export interface BusTls {
  /** The authorities that the server's certificate may be from; absent: those that this machine trusts. */
  readonly caFile?: string
  /** What this client shows to a server that asks for a certificate, and the key to it. */
  readonly certFile?: string
  readonly keyFile?: string
}

/**
 * Connects, waiting for as long as it takes until a server is there. The client can wait by itself, but would do so as well
 * where waiting never helps: for a server that it may not trust.
 * @param onAbsent told once, when there is no server at first
 * @throws NatsError when the server refuses the credentials, or has no TLS although `options.tls` asks for it
 * @throws Error of node:tls when the server's certificate is not to be trusted
 */
export async function connectOnceThere(
  options: ConnectionOptions,
  onAbsent: (error: unknown) => void,
): Promise<NatsConnection> {
  const { servers = [] } = options
  const attempts = new DialAttempts(typeof servers === 'string' ? 1 : servers.length)
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectTransport(options, attempts)
    } catch (error) {
      if (isRefusal(error)) throw error
      if (attempt === 1) onAbsent(error)
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    }
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof NatsError) return error.isAuthError() || REFUSALS.has(error.code)
  return error instanceof Error && 'code' in error && UNTRUSTED.test(String(error.code))
}

/** `Tls`: a file of `tls` cannot be read or is malformed. */
const REFUSALS: ReadonlySet<string> = new Set([ErrorCode.Tls, ErrorCode.ServerOptionNotAvailable])
/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const UNTRUSTED = /CERT|SIGNATURE|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/
const AGAIN_MS = 200
