import { connect, type JetStreamClient, type JetStreamManager, type NatsConnection } from 'nats'
import { openReplyInbox, type ReplyInbox } from './reply-inbox.ts'

/** One process's connection to NATS, shared by everything in it that speaks on the bus. */
export interface Bus {
  readonly connection: NatsConnection
  readonly jetstream: JetStreamClient
  readonly jetstreamManager: JetStreamManager
  /** How long to wait for the server to confirm a write. */
  readonly jetstreamTimeoutMs: number
  /** Requests and their replies. */
  readonly inbox: ReplyInbox
  /** Replicas of each stream and bucket that this process creates: 1 on a single server, 3 in a cluster. */
  readonly replicas: number
  isConnected(): boolean
  /** Calls `listener` each time the connection is back after a loss, until the function returned is called. */
  onReconnect(listener: () => void): () => void
  /** Sends what is still to be sent and closes; while the server is away, closes at once. */
  close(): Promise<void>
}

export interface BusOptions {
  /** Comma-separated server URLs. */
  readonly servers: string
  /** Shown in the server's list of connections. */
  readonly name: string
  readonly user?: string
  readonly password?: string
  readonly replicas?: number
  /** How long to wait for the server to confirm a write or answer a read; 5 s unless told. */
  readonly jetstreamTimeoutMs?: number
}

/**
 * Connects, waiting for as long as it takes until a server is there; afterwards reconnects by itself for ever.
 * @throws NatsError when the server refuses the credentials
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const connection = await connect({
    servers: options.servers.split(',').map((server) => server.trim()),
    name: options.name,
    ...(options.user === undefined ? {} : { user: options.user, pass: options.password ?? '' }),
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    // A stack trace for each request is a tenth of a busy process's time; our own errors say what was asked.
    noAsyncTraces: true,
  })
  const jetstreamOptions = { timeout: options.jetstreamTimeoutMs ?? 5_000 }
  const inbox = openReplyInbox(connection)
  let connected = true
  const listeners = new Set<() => void>()
  const followStatus = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        connected = false
        inbox.connectionLost()
      }
      if (status.type === 'reconnect') {
        connected = true
        for (const listener of listeners) listener()
      }
    }
  }
  void followStatus()
  return {
    connection,
    jetstream: connection.jetstream(jetstreamOptions),
    jetstreamManager: await connection.jetstreamManager({ checkAPI: false, ...jetstreamOptions }),
    jetstreamTimeoutMs: jetstreamOptions.timeout,
    inbox,
    replicas: options.replicas ?? 1,
    isConnected: () => connected && !connection.isClosed(),
    onReconnect: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => {
      if (connection.isClosed()) return
      // Draining waits for an answer, which a server that is away does not give.
      if (connected) await connection.drain()
      else await connection.close()
    },
  }
}
