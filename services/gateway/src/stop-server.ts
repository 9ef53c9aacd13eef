import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/**
 * Prepares a server, before it listens, to be stopped without breaking off what is under way. The function that it gives
 * takes no new connections, lets requests end for `deadlineMs` at most, and closes every connection; a request that is then
 * cut off ends as one whose application went away.
 */
export function gracefulStop(app: FastifyInstance): (deadlineMs: number) => Promise<void> {
  const connections = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })

  const closeUnused = (): void => {
    app.server.closeIdleConnections()
    // Those that were opened ahead and never used do not count as idle.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  }

  return async (deadlineMs) => {
    const closed = app.close()
    // A connection that was busy when the server closed turns idle later, and would then wait for its next request.
    const sweep = setInterval(closeUnused, SWEEP_MS)
    const deadline = setTimeout(() => {
      // Node's own list has none of those that speak HTTP/2, or nothing yet.
      for (const socket of connections) socket.destroy()
    }, deadlineMs)
    await closed
    clearInterval(sweep)
    clearTimeout(deadline)
  }
}

const SWEEP_MS = 20
