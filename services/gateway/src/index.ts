import type { AddressInfo } from 'node:net'
import type { Logger, Service } from '@sluice/service-kit'
import type { GatewayConfig } from './config.ts'
import { MAX_WAIT_MS } from './domain/max-wait.ts'
import { createApp } from './routes/app.ts'
import { type RunningDataPlane, startDataPlane } from './start-data-plane.ts'
import { gracefulStop } from './stop-server.ts'

export { GatewayConfig } from './config.ts'

export interface GatewayService extends Service {
  /** Where it listens: `http://host:port`. */
  readonly url: string
}

/**
 * Starts a gateway. It listens at once, answering 503 until it knows connections and keys; resolves when it takes requests.
 */
export async function start(config: GatewayConfig, logger: Logger): Promise<GatewayService> {
  let dataPlane: RunningDataPlane | undefined
  const app = createApp({
    dataPlane: () => dataPlane,
    logger,
    maxBodyBytes: config.MAX_BODY_BYTES,
    maxUploadBytes: config.MAX_UPLOAD_BYTES,
    requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
    socketTimeoutMs:
      MAX_WAIT_MS + config.UPSTREAM_FIRST_BYTE_TIMEOUT_MS + config.UPSTREAM_IDLE_TIMEOUT_MS + SOCKET_GRACE_MS,
  })
  const stopServer = gracefulStop(app)
  await app.listen({ host: config.GATEWAY_HOST, port: config.GATEWAY_PORT })
  const url = urlOf(app.server.address(), config.GATEWAY_HOST)
  const running = await startDataPlane(config, logger)
  dataPlane = running
  logger.info({ url, gateway: running.gateway }, 'taking requests')
  return {
    url,
    stop: async () => {
      await stopServer(config.STOP_TIMEOUT_MS)
      await running.stop()
    },
  }
}

/** An application's connection outlasts its wait and the time limits on its upstream call, so that it learns of them. */
const SOCKET_GRACE_MS = 10_000

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' ? address?.port : undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
