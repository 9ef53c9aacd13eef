import { subjectToken } from '@sluice/contracts'
import {
  type ConnectionOptions,
  ErrorCode,
  Events,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  NatsError,
} from 'nats'
import { connectTransport, DialAttempts } from './bus-transport.ts'
import { openReplyInbox, type ReplyInbox } from './reply-inbox.ts'

/** A process's connection to NATS, shared by everything in the process that uses the bus. */
export interface Bus {
  readonly connection: NatsConnection
  readonly jetstream: JetStreamClient
  readonly jetstreamManager: JetStreamManager
  /** How long to wait for the server to confirm a write, in milliseconds. */
  readonly jetstreamTimeoutMs: number
  /** The subject prefix that this user may subscribe below; all its inboxes are there. */
  readonly inboxPrefix: string
  /** Sends requests and receives their replies. */
  readonly inbox: ReplyInbox
  /** Replicas of each stream and bucket that this process creates: 1 on a single server, 3 in a cluster. */
  readonly replicas: number
  isConnected(): boolean
  /** Calls `listener` each time the connection is lost, until the returned function is called. */
  onDisconnect(listener: () => void): () => void
  /** Calls `listener` each time the connection is restored, until the returned function is called. */
  onReconnect(listener: () => void): () => void
  /** Flushes what is queued and closes the connection; closes at once while the server is unreachable. */
  close(): Promise<void>
}

export interface BusOptions {
  /** Comma-separated server URLs. */
  readonly servers: string
  /** Shown in the server's list of connections. */
  readonly name: string
  /** With a user, replies arrive below `_INBOX.<user>`, where no other user may subscribe; otherwise below `_INBOX`. */
  readonly user?: string
  readonly password?: string
  /** Absent: TLS if the server requires it, trusting this machine's certificate authorities. */
  readonly tls?: BusTls
  readonly replicas?: number
  /** Called once if no server can be reached at first; connecting goes on. */
  readonly onAbsent?: (error: unknown) => void
  /** How long to wait for the server to confirm a write or return a read, in milliseconds. Default: 5,000. */
  readonly jetstreamTimeoutMs?: number
}

/** Paths of PEM files. The host name in the server's URL must be in its certificate; IP addresses cannot be. */
export interface BusTls {
  /** The authorities that may have issued the server's certificate; absent: those this machine trusts. */
  readonly caFile?: string
  /** The client certificate for servers that require one, and its key. */
  readonly certFile?: string
  readonly keyFile?: string
}

/**
 * Connects to NATS, waiting for as long as no server can be reached; afterwards reconnects automatically, without
 * limit.
 * @throws NatsError when the server rejects the credentials, or offers no TLS although `tls` is given
 * @throws Error of node:tls when the server's certificate is not trusted
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const inboxPrefix = options.user === undefined ? '_INBOX' : `_INBOX.${subjectToken(options.user)}`
  const connection = await connect(connectionOptions(options, inboxPrefix), options.onAbsent ?? (() => undefined))
  // The API check reads the account's usage, which not every user may do.
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
      // Draining waits for the server, which does not reply while it is unreachable.
      if (connected) await connection.drain()
      // Nor does a drain finish if the server became unreachable meanwhile.
      if (!connection.isClosed()) await connection.close()
    },
  }
}

function connectionOptions(options: BusOptions, inboxPrefix: string): ConnectionOptions {
  return {
    servers: options.servers.split(',').map((server) => server.trim()),
    name: options.name,
    ...(options.user === undefined
      ? {}
      : { user: options.user, ...(options.password === undefined ? {} : { pass: options.password }) }),
    ...(options.tls === undefined ? {} : { tls: { ...options.tls } }),
    inboxPrefix,
    maxReconnectAttempts: -1,
    // A stack trace for each request costs a busy process a tenth of its time; our own errors name the subject.
    noAsyncTraces: true,
  }
}

/** The client can wait for a server by itself, but also where waiting never helps: for a server it must not trust. */
async function connect(options: ConnectionOptions, onAbsent: (error: unknown) => void): Promise<NatsConnection> {
  const { servers = [] } = options
  const attempts = new DialAttempts(typeof servers === 'string' ? 1 : servers.length)
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectTransport(options, attempts)
    } catch (error) {
      if (isRefusal(error)) throw error
      if (attempt === 1) onAbsent(error)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
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
const RETRY_MS = 200
