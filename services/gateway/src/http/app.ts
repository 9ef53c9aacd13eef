import { randomUUID } from 'node:crypto'
import { type FastifyInstance, fastify } from 'fastify'
import { frameworkErrors, refuseRequest, unroutable } from './framework-errors.ts'
import { healthRoutes, type Readiness } from './health.ts'
import { createHttpServer } from './http-server.ts'
import { Http2Sessions } from './http2-sessions.ts'
import { nativeRoutes } from './native-routes.ts'
import { type DataRoutesOptions, requestBoundary } from './request-boundary.ts'
import { unifiedRoutes } from './unified-routes.ts'

export interface AppOptions extends DataRoutesOptions {
  readonly readiness: Readiness
  /** The time in which a whole request must arrive. */
  readonly requestTimeoutMs: number
  /** The time after which a connection on which nothing moves is given up. */
  readonly socketTimeoutMs: number
}

/** Creates the gateway's HTTP server, which does not listen yet. */
export function createApp(options: AppOptions): FastifyInstance {
  const { requestTimeoutMs, socketTimeoutMs } = options
  const handle = requestBoundary((request, response) => app.routing(request, response), options)
  const http2 = new Http2Sessions({
    handle,
    refuse: refuseRequest,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    requestTimeoutMs,
    streamTimeoutMs: socketTimeoutMs,
  })
  const app: FastifyInstance = fastify({
    // Response events report requests, at no cost to them; only faults are logged, by the gateway itself.
    logger: false,
    genReqId: () => randomUUID(),
    serverFactory: () =>
      createHttpServer({
        handle,
        http2,
        headersTimeoutMs: HEADERS_TIMEOUT_MS,
        requestTimeoutMs,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        socketTimeoutMs,
      }),
    // While it stops, requests that come on open connections are still served, and the connection closed after them.
    return503OnClosing: false,
    frameworkErrors: unroutable,
  })
  app.addHook('preClose', (done) => {
    http2.close()
    done()
  })
  app.removeAllContentTypeParsers()
  // Calls receive their bodies themselves, and take account of the memory.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  frameworkErrors(app, options)
  healthRoutes(app, options.readiness)
  nativeRoutes(app, options)
  unifiedRoutes(app, options)
  return app
}

const HEADERS_TIMEOUT_MS = 60_000
/** The time after which a connection without a request is closed: later than load balancers do, which would race with it. */
const IDLE_TIMEOUT_MS = 72_000
