import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import { freePort } from '@sluice/local-servers'
import type { ProofUpstream } from './observe.ts'
import type { ProofSimulator } from './upstreams.ts'

/** A self-signed certificate for 127.0.0.1. */
export interface Certificate {
  readonly cert: Buffer
  readonly key: Buffer
  /** The path for NODE_EXTRA_CA_CERTS, so that Node trusts it. */
  readonly certFile: string
}

/** @throws Error if openssl is not installed */
export function createCertificate(folder: string): Certificate {
  const certFile = join(folder, 'front.crt')
  const keyFile = join(folder, 'front.key')
  const subject = ['-subj', '/CN=exactness', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  execFileSync('openssl', ['req', '-x509', ...newKey, '-out', certFile, ...subject], { stdio: 'pipe' })
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), certFile }
}

export interface TlsFrontOptions {
  readonly certificate: Certificate
  readonly simulator: ProofSimulator
  /** The only account that uses it. */
  readonly upstreamKey: string
  /** The delay of the n-th connection's handshake (from 0), in milliseconds; Infinity: forever. */
  handshakeDelayMs(connection: number): number
}

/** The provider simulator behind TLS, with slow handshakes. */
export interface TlsFront extends ProofUpstream {
  readonly baseUrl: string
  /** Ends all connections but one, so that all but one of the next requests need a handshake. */
  endConnections(): void
  stop(): Promise<void>
}

export async function startTlsFront(options: TlsFrontOptions): Promise<TlsFront> {
  const { certificate, simulator, upstreamKey, handshakeDelayMs } = options
  // In TLS 1.3 a handshake's records look like data.
  const secureContext = createSecureContext({ ...certificate, maxVersion: 'TLSv1.2' })
  const sockets = new Set<Socket>()
  const secureSockets = new Set<TLSSocket>()
  let connections = 0
  const keep = (socket: Socket, other?: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => other?.destroy()).once('close', () => sockets.delete(socket))
  }
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    keep(socket)
    const delayMs = handshakeDelayMs(connections++)
    const begin = (): void => {
      if (socket.destroyed) return
      // From here on the connection is the secure socket's; destroying the other would leave it open.
      sockets.delete(socket)
      const secure = new TLSSocket(socket, { isServer: true, secureContext })
      const target = connect({ host: '127.0.0.1', port: simulator.port })
      keep(secure, target)
      secureSockets.add(secure)
      secure.once('close', () => secureSockets.delete(secure))
      keep(target, secure)
      secure.pipe(target).pipe(secure)
    }
    if (delayMs === Number.POSITIVE_INFINITY) return
    setTimeout(begin, delayMs)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    port,
    onlyKey: upstreamKey,
    baseUrl: `https://127.0.0.1:${port}/v1`,
    recorded: async () => (await simulator.recorded()).filter(({ key }) => key === upstreamKey),
    endConnections: () => {
      for (const socket of [...secureSockets].slice(1)) socket.destroy()
    },
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
