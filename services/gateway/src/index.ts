import type { AddressInfo } from 'node:net'
import type { Logger, Service } from '@sluice/service-kit'
import type { GatewayConfig } from './config.ts'
import { MAX_WAIT_MS } from './domain/max-wait.ts'
import { createApp } from './routes/app.ts'
import { startDataPlane } from './start-data-plane.ts'
import { gracefulStop } from './stop-server.ts'

export { GatewayConfig } from './config.ts'

export interface GatewayService extends Service {
  /** Where it listens: `http://host:port`. */
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
