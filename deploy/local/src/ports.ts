import { connect, createServer } from 'node:net'
import { freePort, StartError } from '@sluice/local-servers'
import type { LocalSettings } from './config.ts'

/**
 * The ports that a stack listens on, and the addresses of servers that it is to use: checked before anything starts.
 */

export interface StackPorts {
  readonly admin: number
  /** One for each gateway. */
  readonly gateways: readonly number[]
}

const GATEWAY_STEP = 100
const LAST_PORT = 65_535

/**
 * Returns the ports of a run, all of them free now.
 * @throws StartError `port_taken`, or `setting_invalid` when two are equal or one is above 65,535
 */
export async function chooseStackPorts(settings: LocalSettings): Promise<StackPorts> {
  const admin = settings.ADMIN_PORT === 0 ? await freePort() : settings.ADMIN_PORT
  const gateways: number[] = []
  for (let index = 0; index < settings.GATEWAY_INSTANCES; index++) {
    gateways.push(settings.GATEWAY_PORT === 0 ? await freePort() : settings.GATEWAY_PORT + index * GATEWAY_STEP)
  }
  if (new Set([admin, ...gateways]).size <= gateways.length) {
    throw new StartError(
      'setting_invalid',
      `ADMIN_PORT ${admin} is also the port of a gateway (${gateways.join(', ')}): choose another.`,
    )
  }
  const tooHigh = gateways.find((port) => port > LAST_PORT)
  if (tooHigh !== undefined) {
    throw new StartError(
      'setting_invalid',
      `GATEWAY_PORT is too high: the last gateway would listen on port ${tooHigh}.`,
    )
  }
  await assertPortFree(admin, 'ADMIN_PORT')
  for (const port of gateways) await assertPortFree(port, 'GATEWAY_PORT')
  return { admin, gateways }
}

/** @throws StartError `port_taken`, naming the port and the setting that changes it */
export async function assertPortFree(port: number, setting: string): Promise<void> {
  if (await isPortFree(port)) return
  throw new StartError(
    'port_taken',
    `Port ${port} is already in use: stop the program that listens on it, or choose another port with ${setting}.`,
  )
}

/** Returns whether a server can listen on `127.0.0.1:port` and none accepts connections there now. */
export async function isPortFree(port: number): Promise<boolean> {
  // A server on every address does not always stop another from taking loopback: check both.
  return !(await canConnect('127.0.0.1', port)) && (await canListen(port))
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

const CONNECT_TIMEOUT_MS = 5_000
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'nats:': 4222,
  'tls:': 4222,
  'postgres:': 5432,
  'postgresql:': 5432,
}

/**
 * Makes sure that a server listens at one or more of `urls` (comma-separated). The message shows only host and port:
 * the rest of the URL may be a password.
 * @throws StartError `server_unreachable`, naming the setting
 */
export async function assertReachable(urls: string, setting: string): Promise<void> {
  const servers = urls.split(',').map((url) => address(url.trim(), setting))
  const reachable = await Promise.all(servers.map(({ host, port }) => canConnect(host, port)))
  if (reachable.includes(true)) return
  const tried = servers.map(({ host, port }) => `${host}:${port}`).join(', ')
  throw new StartError('server_unreachable', `No server is reachable at ${tried} (${setting}).`)
}

function address(url: string, setting: string): { host: string; port: number } {
  // Clients of NATS also take an address without a scheme.
  const parsed = URL.parse(url.includes('://') ? url : `nats://${url}`)
  const port = parsed === null ? undefined : parsed.port === '' ? DEFAULT_PORTS[parsed.protocol] : Number(parsed.port)
  if (parsed === null || port === undefined) throw new StartError('setting_invalid', `${setting} is not a valid URL.`)
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port }
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS })
    const settle = (isConnected: boolean) => {
      socket.destroy()
      resolve(isConnected)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false)).once('timeout', () => settle(false))
  })
}
