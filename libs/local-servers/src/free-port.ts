import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import getPort from 'get-port'

/** Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections. */
const FIRST_PORT = 20_000
const LAST_PORT = 31_999

/** Ample for a server to start, on a busy machine too. */
const RESERVED_MS = 30_000

/**
 * Returns a TCP port that is free on every address of this machine, and that no other call returned within the last 30 seconds, in this
 * process or another: a server listens on it only some time later. It lies outside the range of outgoing connections, so that a server
 * that restarts on its port does not find it taken by a client that was looking for that very server.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await getPort({ port: candidates() })
    if (await reserve(port)) return port
  }
}

/** Marks the port for other processes by holding the UDP port of the same number, which ends with this process at the latest. */
function reserve(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const mark = createSocket('udp4').unref()
    mark.once('error', () => resolve(false))
    mark.bind({ address: '127.0.0.1', port, exclusive: true }, () => {
      setTimeout(() => mark.close(), RESERVED_MS).unref()
      resolve(true)
    })
  })
}

function* candidates(): Generator<number> {
  for (;;) yield randomInt(FIRST_PORT, LAST_PORT + 1)
}
