import type { AddressInfo, Socket } from 'node:net'
import type { Logger, Service } from '@sluice/service-kit'
import type { FastifyInstance } from 'fastify'
import { MAX_WAIT_MS } from './admission/check-head.ts'
import type { GatewayConfig } from './config.ts'
import { startDataPlane } from './data-plane.ts'
import { createApp } from './http/app.ts'

export interface GatewayService extends Service {
  /** The address on which it listens: `http://host:port`. */
  readonly url: string
}

/**
 * Starts a gateway; resolves when it takes requests. It does not listen before it can serve them: a load balancer sends none, and
 * those that run already go on.
 * @throws Error of node:net when it cannot listen where `config` says
 */
export async function start(config: GatewayConfig, logger: Logger): Promise<GatewayService> {
  const dataPlane = await startDataPlane(config, logger)
  const app = createApp({
    dataPlane,
    readiness: dataPlane.readiness,
    logger,
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxUploadBytes: config.MAX_UPLOAD_BYTES,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    socketTimeoutMs:
      MAX_WAIT_MS + config.UPSTREAM_FIRST_BYTE_TIMEOUT_MS + config.UPSTREAM_IDLE_TIMEOUT_MS + SOCKET_GRACE_MS,
  })
  const stopServer = gracefulStop(app)
  try {
    await app.listen({ host: config.GATEWAY_HOST, port: config.GATEWAY_PORT })
  } catch (error) {
    await dataPlane.stop()
    throw error
  }
  const url = urlOf(app.server.address(), config.GATEWAY_HOST)
  logger.info({ url, gateway: dataPlane.gateway }, 'taking requests')
  return {
    url,
    stop: async () => {
      await stopServer(config.STOP_TIMEOUT_MS)
      await dataPlane.stop()
    },
  }
}

/** An application's connection outlasts its wait and the time limits on its upstream call, so that it learns of them. */
const SOCKET_GRACE_MS = 10_000

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Prepares a server, before it listens, to be stopped without breaking off requests under way. The returned function accepts no new
 * connections, lets requests end for `deadlineMs` at most, and closes every connection; a request that is then cut off ends as one whose client
 * disconnected.
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
