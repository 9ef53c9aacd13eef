import { randomUUID } from 'node:crypto'
import { type FastifyInstance, fastify } from 'fastify'
import type { Readiness } from '../ports/readiness.ts'
import type { DataRoutesOptions } from './data-routes-options.ts'
import { deferExpectations } from './defer-expectations.ts'
import { frameworkErrors, unparsable, unroutable } from './framework-errors.ts'
import { healthRoutes } from './health-routes.ts'
import { Http2Sessions, type ParserError } from './http2-sessions.ts'
import { nativeRoutes } from './native-routes.ts'
import { unifiedRoutes } from './unified-routes.ts'

export interface AppOptions extends DataRoutesOptions {
  readonly readiness: Readiness
  /** Within which a whole request must arrive. */
  readonly requestTimeoutMs: number
  /** After which a connection on which nothing moves is given up. */
  readonly socketTimeoutMs: number
}

/** The gateway's HTTP server, not yet listening. */
export function createApp(options: AppOptions): FastifyInstance {
  const http2 = new Http2Sessions({
    server: () => app.server,
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    streamTimeoutMs: options.socketTimeoutMs,
  })
  const app: FastifyInstance = fastify({
    // Requests are told of in response events, at no cost to them; only faults are logged, by the gateway itself.
    logger: false,
    genReqId: () => randomUUID(),
    requestTimeout: options.requestTimeoutMs,
    http: {
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requestTimeout: options.requestTimeoutMs,
      // Where Node would refuse without a word, the route refuses in the provider's format.
      requireHostHeader: false,
      // Node swaps the two where the headers may take longer than the whole.
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.requestTimeoutMs),
    },
    connectionTimeout: options.socketTimeoutMs,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    // While it stops, requests that come on open connections are still served, and the connection closed after them.
    return503OnClosing: false,
    frameworkErrors: unroutable,
    clientErrorHandler: (error: ParserError, socket) => {
      if (!http2.takes(error, socket)) unparsable(error, socket)
    },
  })
  app.addHook('preClose', (done) => {
    http2.close()
    done()
  })
  deferExpectations(app)
  app.removeAllContentTypeParsers()
  // Bodies are received by the calls, which know what for, and take account of them.
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  frameworkErrors(app, options)
  healthRoutes(app, options.readiness)
  nativeRoutes(app, options)
  unifiedRoutes(app, options)
  return app
}

const HEADERS_TIMEOUT_MS = 60_000
/** After which a connection without a request is closed: later than load balancers do, which would race with it. */
const IDLE_TIMEOUT_MS = 72_000
/** How late a request may be found to have taken too long. */
const TIMEOUT_CHECK_MS = 1_000
