import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { StartError } from './start-error.ts'

/** Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections. */
const FIRST_PORT = 20_000
const LAST_PORT = 31_999

/**
 * A loopback TCP port that nothing listens on. It lies outside the range of outgoing connections, so that a server
 * which restarts on it does not find it taken by a client that was looking for that very server.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if (await isPortFree(port)) return port
  }
}

/** True when a server can listen on `127.0.0.1:port` and nothing answers there now. */
export async function isPortFree(port: number): Promise<boolean> {
  // A server on every address does not always stop another from taking loopback: ask for both.
  return !(await answers(port)) && (await canListen(port))
}

/** @throws StartError `port_taken`, naming the port and the setting that changes it. */
export async function assertPortFree(port: number, setting: string): Promise<void> {
  if (await isPortFree(port)) return
  throw new StartError(
    'port_taken',
    `Port ${port} is taken: end what listens there, or choose another with ${setting}.`,
  )
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
