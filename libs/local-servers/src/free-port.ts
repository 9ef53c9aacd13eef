import { randomInt } from 'node:crypto'
import getPort from 'get-port'

/** Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections. */
const FIRST_PORT = 20_000
const LAST_PORT = 31_999

/**
 * Returns a TCP port that is free on every address of this machine, and that no other call in this process returned
 * within the last 15 seconds. It lies outside the range of outgoing connections, so that a server that restarts on its
 * port does not find it taken by a client that was looking for that very server.
 */
export function freePort(): Promise<number> {
  return getPort({ port: candidates() })
}

function* candidates(): Generator<number> {
  for (;;) yield randomInt(FIRST_PORT, LAST_PORT + 1)
}
