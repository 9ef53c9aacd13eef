import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { apiKeyRoutes } from '../api-keys/api-key-routes.ts'
import { auditLogRoutes } from '../audit/audit-routes.ts'
import {
  connectionRoutes,
  connectionTestRoutes,
  providerRoutes,
  roleTrustRoute,
} from '../connections/connection-routes.ts'
import { credentialRoutes } from '../credentials/credential-routes.ts'
import type { ApplicationDeps } from '../deps.ts'
import { discoveredCapacityRoutes } from '../discovered/discovered-routes.ts'
import { capacityStreamRoute } from '../insights/capacity-stream.ts'
import { insightRoutes } from '../insights/insight-routes.ts'
import type { Insights } from '../insights/insights.ts'
import { operatorTokenRoutes, sessionRoutes } from '../operators/operator-routes.ts'
import type { RoleTrustSettings } from '../role-trust/role-trust.ts'
import { createAttemptGuard } from './attempt-guard.ts'
import { authentication } from './authentication.ts'
import { describeApi, describeProblems } from './openapi.ts'
import { clientErrorResponse, responseFaults, sendProblem } from './problem.ts'
import { parseBodies, refusePathTricks, validatorCompiler } from './request-checks.ts'
import type { App, Routes } from './routes.ts'

/** What the service can reach now. */
export interface Health {
  isDatabaseReachable(): Promise<boolean>
  isBusConnected(): boolean
}

/** For supervisors and load balancers; asks for no token and tells no secret. */
export function healthRoutes(health: Health): Routes {
  return (app) => {
    app.get('/healthz', { schema: { hide: true } }, () => ({ status: 'ok' }))

    // Ready means that the admin API works, which it does without the bus.
    app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
      const database = await health.isDatabaseReachable()
      const body = { status: database ? 'ready' : 'not ready', database, bus: health.isBusConnected() }
      return reply.code(database ? 200 : 503).send(body)
    })
  }
}

export interface AdminApiDeps {
  readonly application: ApplicationDeps
  readonly insights: Insights
  readonly health: Health
  readonly roleTrust: RoleTrustSettings
  readonly login: LoginSettings
}

export interface LoginSettings {
  /** How often one address may bring a token that is not good, in a minute, before it has to wait. */
  readonly failuresPerMinute: number
  /** Addresses and networks, comma-separated, of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. */
  readonly trustedProxies?: string
  /** Whether the session's cookie is for TLS only even where the request is not known to have come over it. */
  readonly isCookieAlwaysSecure: boolean
}

/** The admin API, for operators; `listen` is the caller's. */
export async function createAdminApi({ application, insights, health, roleTrust, login }: AdminApiDeps): Promise<App> {
  const { logger } = application
  const guard = createAttemptGuard(application, login.failuresPerMinute)
  const app: App = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    requestIdHeader: false,
    trustProxy: login.trustedProxies ?? false,
    genReqId: () => randomUUID(),
    clientErrorHandler: (error, socket) => {
      if (socket.writable) socket.end(clientErrorResponse(error))
    },
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply, logger)
    },
  }).withTypeProvider<TypeBoxTypeProvider>()
  parseBodies(app)
  app.setValidatorCompiler(validatorCompiler)
  // What is answered is what the views hold; the response schemas are documentation.
  app.setSerializerCompiler(() => JSON.stringify)
  app.decorateRequest('operator', undefined)
  responseFaults(app, logger)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).header('cache-control', 'no-store')
  })
  app.addHook('onRequest', refusePathTricks)
  app.addHook('onResponse', async ({ id, method, routeOptions }, { statusCode, elapsedTime }) => {
    logger.debug({ requestId: id, method, route: routeOptions.url, statusCode, elapsedMs: elapsedTime }, 'answered')
  })
  await describeApi(app)

  healthRoutes(health)(app)
  const guarded = (scope: App, _options: unknown, done: () => void): void => {
    scope.addHook('onRequest', authentication(application, guard))
    scope.addHook('onRoute', takeNoUnknownParameter)
    describeProblems(scope)
    connectionRoutes(application)(scope)
    connectionTestRoutes(application)(scope)
    credentialRoutes(application)(scope)
    roleTrustRoute(application, roleTrust)(scope)
    insightRoutes(application, insights)(scope)
    discoveredCapacityRoutes(application, insights)(scope)
    capacityStreamRoute(application, insights)(scope)
    apiKeyRoutes(application)(scope)
    operatorTokenRoutes(application)(scope)
    sessionRoutes(application, { guard, isAlwaysSecure: login.isCookieAlwaysSecure })(scope)
    auditLogRoutes(application)(scope)
    providerRoutes(application.rules)(scope)
    scope.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
    done()
  }
  await app.register(guarded, { prefix: '/api/v1' })
  return app
}

/** A route that describes no query has one without parameters: what is in it would be overlooked. */
function takeNoUnknownParameter({ schema }: RouteOptions): void {
  if (schema !== undefined && schema.querystring === undefined) schema.querystring = Type.Object({})
}

/** The largest document there is, with room to spare: an API key scoped to a thousand connections. */
const MAX_BODY_BYTES = 256 * 1_024
const REQUEST_TIMEOUT_MS = 30_000
