import { connect } from 'node:net'
import { StartError } from './start-error.ts'

const TIMEOUT_MS = 5_000
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'nats:': 4222,
  'tls:': 4222,
  'postgres:': 5432,
  'postgresql:': 5432,
}

/**
 * Makes sure that something listens at one of `urls` (comma-separated) at least. The message shows host and port only:
 * the rest of the URL may be a password.
 * @throws StartError `server_unreachable`, naming the setting.
 */
export async function assertReachable(urls: string, setting: string): Promise<void> {
  const servers = urls.split(',').map((url) => address(url.trim(), setting))
  const answers = await Promise.all(servers.map(({ host, port }) => canConnect(host, port)))
  if (answers.includes(true)) return
  const tried = servers.map(({ host, port }) => `${host}:${port}`).join(', ')
  throw new StartError('server_unreachable', `Nothing answers at ${tried}, which ${setting} names.`)
}

function address(url: string, setting: string): { host: string; port: number } {
  // nats-server's clients take an address without a scheme, too.
  const parsed = URL.parse(url.includes('://') ? url : `nats://${url}`)
  if (parsed === null) throw new StartError('setting_invalid', `${setting} is not a URL.`)
  const port = parsed.port === '' ? (DEFAULT_PORTS[parsed.protocol] ?? 0) : Number(parsed.port)
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port }
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT_MS })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false)).once('timeout', () => settle(false))
  })
}
