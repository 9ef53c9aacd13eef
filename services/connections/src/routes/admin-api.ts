import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, { type RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { createAttemptGuard } from '../application/attempt-guard.ts'
import type { ApplicationDeps } from '../application/deps.ts'
import type { RoleTrustSettings } from '../domain/role-trust.ts'
import type { Health } from '../ports/health.ts'
import type { Insights } from '../ports/insights.ts'
import { apiKeyRoutes } from './api-keys.ts'
import { auditLogRoutes } from './audit-log.ts'
import { authentication } from './authenticate.ts'
import { parseBodies } from './body-parser.ts'
import { capacityStreamRoute } from './capacity-stream.ts'
import { connectionTestRoutes } from './connection-tests.ts'
import { connectionRoutes } from './connections.ts'
import { credentialRoutes } from './credentials.ts'
import { discoveredCapacityRoutes } from './discovered-capacity.ts'
import { healthRoutes } from './health.ts'
import { insightRoutes } from './insights.ts'
import { describeApi, describeProblems } from './openapi.ts'
import { operatorTokenRoutes } from './operator-tokens.ts'
import { refusePathTricks } from './path-tricks.ts'
import { clientErrorResponse, responseFaults, sendProblem } from './problem.ts'
import { providerRoutes } from './providers.ts'
import { roleTrustRoute } from './role-trust.ts'
import type { App } from './routes.ts'
import { sessionRoutes } from './session.ts'
import { validatorCompiler } from './validator.ts'

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
