import { createConnection, type Socket } from 'node:net'
import type { ConnectionOptions, NatsConnection } from 'nats'
import { NatsConnectionImpl, setTransportFactory } from 'nats/lib/nats-base-client/internal_mod.js'
import { NodeTransport, nodeResolveHost } from 'nats/lib/src/node_transport.js'

/**
 * Connects as the client's own `connect` does, over sockets that leave a silent server within {@link SILENCE_MS}, and
 * of which a failed attempt leaves nothing behind. One attempt may take {@link FIRST_ATTEMPT_MS}, and longer while
 * attempts fail.
 * @throws NatsError and what node's sockets throw, as `connect` does
 */
export function connectTransport(options: ConnectionOptions, attempts: DialAttempts): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new BusTransport(), dnsResolveFn: nodeResolveHost })
  const own: BusConnectionOptions = {
    ...options,
    attempts,
    // Only so that a healthy server says something: what its silence means is judged by the transport.
    pingInterval: PING_MS,
    maxPingOut: Number.MAX_SAFE_INTEGER,
    // The client calls this before each attempt, on its own copy of the options, and reads the limit afterwards.
    reconnectDelayHandler(this: ConnectionOptions) {
      this.timeout = attempts.limitMs()
      return RECONNECT_MS + Math.floor(Math.random() * RECONNECT_MS)
    },
  }
  return NatsConnectionImpl.connect(own)
}

interface BusConnectionOptions extends ConnectionOptions {
  readonly attempts: DialAttempts
}

/** Counts attempts in a row that led to no connection. */
export class DialAttempts {
  readonly #servers: number
  #failed = 0

  /** @param servers how many are tried in turn */
  constructor(servers: number) {
    this.#servers = servers
  }

  /**
   * How long the next attempt may take: twice as long with each round of all servers that failed, for a bus that is
   * far or busy.
   */
  limitMs(): number {
    return Math.min(MAX_ATTEMPT_MS, FIRST_ATTEMPT_MS * 2 ** Math.floor(this.#failed / this.#servers))
  }

  begun(): void {
    this.#failed++
  }

  succeeded(): void {
    this.#failed = 0
  }
}

/**
 * A socket to one server. The client's own transport, in three cases that follow a silent server (a stopped process, a
 * cut wire):
 *
 * - Giving up an attempt closes its socket. The client's own leaves it open; when the server goes on, the end of that socket is taken for
 *   the end of the connection that was made meanwhile, and two connections then deliver every message.
 * - Leaving a connection does not wait for what was written to be sent, which a full send buffer would make a wait for ever.
 * - Any bytes count as a sign of life, and silence is counted in turns of this process's own event loop: a process that was not scheduled
 *   for seconds, or has megabytes to read before the reply to its ping, does not leave a healthy server.
 */
class BusTransport extends NodeTransport {
  #attempts: DialAttempts | undefined
  #isEstablished = false
  #silentTicks = 0
  #ticks: NodeJS.Timeout | undefined

  override connect(
    server: { hostname: string; port: number; tlsName: string },
    options: ConnectionOptions & Partial<BusConnectionOptions>,
  ): Promise<void> {
    // Absent on a connection of another's that is made again by this factory, which all of a process share.
    this.#attempts = options.attempts
    this.#attempts?.begun()
    return super.connect(server, options)
  }

  override dial({ port, hostname }: { hostname: string; port: number }): Promise<Socket> {
    return new Promise((resolve, reject) => {
      let fault: unknown
      const socket = createConnection(port, hostname, () => {
        socket.removeAllListeners()
        resolve(socket)
      })
      // Known before it is connected, so that `close` ends the attempt.
      this.socket = socket
      socket.setNoDelay(true)
      socket.on('error', (error) => {
        fault = error
      })
      socket.on('close', () => reject(fault))
    })
  }

  override setupHandlers(): void {
    super.setupHandlers()
    this.socket.on('data', (bytes: Buffer) => {
      this.#silentTicks = 0
      // The first PONG ends the handshake.
      if (!this.#isEstablished && bytes.includes('PONG\r\n')) this.#established()
    })
    this.socket.on('close', () => clearInterval(this.#ticks))
  }

  #established(): void {
    this.#isEstablished = true
    if (this.#attempts === undefined) return
    this.#attempts.succeeded()
    this.#ticks = setInterval(() => {
      if (++this.#silentTicks >= SILENCE_MS / TICK_MS) this.disconnect()
    }, TICK_MS)
  }

  /** Resolves when an established connection has ended. The end of a failed attempt is the attempt's own affair. */
  override async closed(): Promise<Error | undefined> {
    const error = await this.closedNotification
    if (!this.#isEstablished) return new Promise<never>(() => undefined)
    return error instanceof Error ? error : undefined
  }

  /** Ends the connection at once; `closed` resolves. */
  override disconnect(): void {
    this.socket?.destroy()
  }

  /** Ends a failed attempt, or the connection for good; `closed` does not resolve. */
  override async close(): Promise<void> {
    clearInterval(this.#ticks)
    this.connected = false
    this.done = true
    this.socket?.destroy()
  }
}

/** The interval at which a server is checked for a sign of life. */
const PING_MS = 500
/**
 * A server that sent nothing for so long is left: at the latest, and up to a tick earlier. Three quarters of it at
 * least since a ping.
 */
const SILENCE_MS = 1_500
const TICK_MS = 250
/**
 * For name, socket, TLS and login, about five round trips. With {@link SILENCE_MS}, less than 3 s to leave a silent
 * server for another.
 */
const FIRST_ATTEMPT_MS = 1_000
const MAX_ATTEMPT_MS = 16_000
/** Between two attempts at one server; as much again at random. */
const RECONNECT_MS = 100
