import { subjectToken } from '@sluice/contracts'
import { type ConnectionOptions, Events, type JetStreamClient, type JetStreamManager, type NatsConnection } from 'nats'
import { type BusTls, connectOnceThere } from './connect-once-there.ts'
import { openReplyInbox, type ReplyInbox } from './reply-inbox.ts'

/** One process's connection to NATS, shared by everything in it that speaks on the bus. */
export interface Bus {
  readonly connection: NatsConnection
  readonly jetstream: JetStreamClient
  readonly jetstreamManager: JetStreamManager
  /** How long to wait for the server to confirm a write. */
  readonly jetstreamTimeoutMs: number
  /** What this user may listen below: its client's inboxes are there. */
  readonly inboxPrefix: string
  /** Requests and their replies. */
  readonly inbox: ReplyInbox
  /** Replicas of each stream and bucket that this process creates: 1 on a single server, 3 in a cluster. */
  readonly replicas: number
  isConnected(): boolean
  /** Calls `listener` each time the connection is lost, until the function returned is called. */
  onDisconnect(listener: () => void): () => void
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
  /** Its replies come to inboxes below `_INBOX.<user>`, where nobody else may listen; `_INBOX` without a user. */
  readonly user?: string
  readonly password?: string
  /** Absent: TLS as the server has it, with the authorities that this machine trusts. */
  readonly tls?: BusTls
  readonly replicas?: number
  /** Told once if no server is there at first, and it waits for one. */
  readonly onAbsent?: (error: unknown) => void
  /** How long to wait for the server to confirm a write or answer a read; 5 s unless told. */
  readonly jetstreamTimeoutMs?: number
}

/**
 * Connects, waiting for as long as it takes until a server is there; afterwards reconnects by itself for ever.
 * @throws NatsError when the server refuses the credentials, or has no TLS where `tls` is given
 * @throws Error of node:tls when the server's certificate is not to be trusted
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const inboxPrefix = options.user === undefined ? '_INBOX' : `_INBOX.${subjectToken(options.user)}`
  const connectionOptions: ConnectionOptions = {
    servers: options.servers.split(',').map((server) => server.trim()),
    name: options.name,
    ...(options.user === undefined ? {} : { user: options.user, pass: options.password ?? '' }),
    ...(options.tls === undefined ? {} : { tls: { ...options.tls } }),
    inboxPrefix,
    maxReconnectAttempts: -1,
    // A stack trace for each request is a tenth of a busy process's time; our own errors say what was asked.
    noAsyncTraces: true,
  }
  const connection = await connectOnceThere(connectionOptions, options.onAbsent ?? (() => undefined))
  // The check asks for an account's figures, which are not for everybody.
  const jetstreamOptions = { timeout: options.jetstreamTimeoutMs ?? 5_000, checkAPI: false }
  const inbox = openReplyInbox(connection, inboxPrefix)
  let connected = true
  const listeners = { disconnect: new Set<() => void>(), reconnect: new Set<() => void>() }
  const followStatus = async () => {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        connected = false
        inbox.connectionLost()
        for (const listener of listeners.disconnect) listener()
      }
      if (status.type === 'reconnect') {
        connected = true
        for (const listener of listeners.reconnect) listener()
      }
      if (status.type === Events.Error && status.permissionContext?.operation === 'publish') {
        inbox.notPermitted(status.permissionContext.subject)
      }
    }
  }
  void followStatus()
  return {
    connection,
    jetstream: connection.jetstream(jetstreamOptions),
    jetstreamManager: await connection.jetstreamManager(jetstreamOptions),
    jetstreamTimeoutMs: jetstreamOptions.timeout,
    inboxPrefix,
    inbox,
    replicas: options.replicas ?? 1,
    isConnected: () => connected && !connection.isClosed(),
    onDisconnect: (listener) => {
      listeners.disconnect.add(listener)
      return () => listeners.disconnect.delete(listener)
    },
    onReconnect: (listener) => {
      listeners.reconnect.add(listener)
      return () => listeners.reconnect.delete(listener)
    },
    close: async () => {
      if (connection.isClosed()) return
      // Draining waits for an answer, which a server that is away does not give.
      if (connected) await connection.drain()
      // Nor is one drained whose server went away meanwhile.
      if (!connection.isClosed()) await connection.close()
    },
  }
}
