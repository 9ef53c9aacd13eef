import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { readConfig } from '@sluice/service-kit'
import { pino } from 'pino'
import { ConnectionsConfig, start } from '../../src/index.ts'

type ApiResponse = Awaited<ReturnType<typeof send>>

/** A running service, as operators use it. */
export interface TestConnections {
  readonly adminUrl: string
  readonly operatorToken: string
  /** Calls the admin API as an operator; `body` is sent as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiResponse>
  /** Everything logged so far, at every level. */
  logs(): string
  stop(): Promise<void>
}

export interface TestConnectionsOptions {
  readonly natsUrl: string
  readonly databaseUrl: string
  readonly masterKey?: string
  readonly env?: Readonly<Record<string, string>>
  /** Of a service on the same database, which has made the first token. */
  readonly operatorToken?: string
  /** Also those that no gateway serves yet. */
  readonly everyProvider?: boolean
}

/** The whole service, in this process, on a free port. */
export async function startConnections(options: TestConnectionsOptions): Promise<TestConnections> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-connections-'))
  const tokenFile = join(folder, 'operator-token')
  const config = readConfig(ConnectionsConfig, {
    NATS_URL: options.natsUrl,
    DATABASE_URL: options.databaseUrl,
    ADMIN_PORT: '0',
    MASTER_KEY: options.masterKey ?? randomBytes(32).toString('base64'),
    OPERATOR_TOKEN_FILE: tokenFile,
    LOGIN_FAILURES_PER_MINUTE: '1000',
    ...options.env,
  })
  let logs = ''
  const sink = new Writable({
    write: (chunk, _encoding, done) => {
      logs += chunk
      done()
    },
  })
  const logger = pino({ level: 'trace' }, sink)
  const service = await (options.everyProvider ? start(config, logger, () => true) : start(config, logger))
  const operatorToken = options.operatorToken ?? (await readFile(tokenFile, 'utf8')).trim()
  return {
    adminUrl: service.adminUrl,
    operatorToken,
    call: (method, path, body, headers) =>
      send(`${service.adminUrl}${path}`, method, body, { authorization: `Bearer ${operatorToken}`, ...headers }),
    logs: () => logs,
    stop: async () => {
      await service.stop()
      await rm(folder, { recursive: true })
    },
  }
}

async function send(url: string, method: string, body: unknown, headers: Record<string, string>) {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  // Untyped, as tests read bodies of every shape; undefined when there is none.
  const parsed = text === '' ? undefined : JSON.parse(text)
  return { status: response.status, headers: response.headers, body: parsed }
}

export const openAiConnection = {
  name: 'openai-prod',
  provider: 'openai',
  config: { apiKey: 'sk-test-0123456789-abcdefghij-x4f2' },
  capacity: [{ period: 'minute', requests: 100, tokens: 100_000 }],
}
