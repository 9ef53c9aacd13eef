import { randomUUID } from 'node:crypto'
import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { Logger } from '@sluice/service-kit'
import fastify, { type RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { type ApiKeyDeps, apiKeyRoutes } from '../api-keys/api-key-routes.ts'
import { type AuditRouteDeps, auditLogRoutes } from '../audit/audit-routes.ts'
import {
  type CapacityAndUsageRouteDeps,
  capacityAndUsageRoutes,
} from '../capacity-and-usage/capacity-and-usage-routes.ts'
import { type CapacityStreamDeps, capacityStreamRoute } from '../capacity-and-usage/capacity-stream.ts'
import { type ConnectionRouteDeps, connectionRoutes, providerRoutes } from '../connections/connection-routes.ts'
import { type CredentialRouteDeps, credentialRoutes } from '../credentials/credential-routes.ts'
import { type DiscoveredRouteDeps, discoveredCapacityRoutes } from '../discovered/discovered-routes.ts'
import { operatorTokenRoutes, sessionRoutes } from '../operators/operator-routes.ts'
import type { OperatorTokenDeps } from '../operators/operator-tokens.ts'
import type { SignInDeps } from '../operators/sign-in.ts'
import { type ConnectionTestDeps, connectionTestRoutes } from '../probes/test-connection.ts'
import { createAttemptGuard } from './attempt-guard.ts'
import { authentication } from './authentication.ts'
import { describeApi, describeProblems } from './openapi.ts'
import { clientErrorResponse, sendErrorsAsProblems, sendProblem } from './problem.ts'
import { parseBodies, refuseAmbiguousPaths, validatorCompiler } from './request-checks.ts'
import type { App } from './routes.ts'

/** The dependencies of all routes: each set of routes takes its part. */
export type AdminApiDeps = ApiKeyDeps &
  AuditRouteDeps &
  CapacityStreamDeps &
  ConnectionRouteDeps &
  ConnectionTestDeps &
  CredentialRouteDeps &
  DiscoveredRouteDeps &
  CapacityAndUsageRouteDeps &
  OperatorTokenDeps &
  SignInDeps & { readonly logger: Logger; readonly health: Health; readonly login: LoginSettings }

/** The systems that the service can reach now. */
interface Health {
  isDatabaseReachable(): Promise<boolean>
  isBusConnected(): boolean
}

export interface LoginSettings {
  /** How many invalid tokens one address may send in a minute before it has to wait. */
  readonly failuresPerMinute: number
  /**
   * Addresses and networks, comma-separated, of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
   */
  readonly trustedProxies?: string
  /** Limits session cookies to TLS even when the request is not known to have used it. */
  readonly isCookieAlwaysSecure: boolean
}

/** Creates the admin API, for operators; the caller calls `listen`. */
export async function createAdminApi(deps: AdminApiDeps): Promise<App> {
  const { logger, health, login } = deps
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
  // The response schemas are documentation: responses are the views as they are.
  app.setSerializerCompiler(() => JSON.stringify)
  app.decorateRequest('operator', undefined)
  sendErrorsAsProblems(app, logger)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id).header('cache-control', 'no-store')
  })
  app.addHook('onRequest', refuseAmbiguousPaths)
  app.addHook('onResponse', async ({ id, method, routeOptions }, { statusCode, elapsedTime }) => {
    logger.debug({ requestId: id, method, route: routeOptions.url, statusCode, elapsedMs: elapsedTime }, 'responded')
  })
  await app.register(cookie)
  await describeApi(app)

  addHealthRoutes(app, health)
  const { isCookieAlwaysSecure } = login
  const guard = createAttemptGuard(deps, login.failuresPerMinute)
  const authenticated = (scope: App, _options: unknown, done: () => void): void => {
    scope.addHook('onRequest', authentication({ ...deps, guard, isCookieAlwaysSecure }))
    scope.addHook('onRoute', refuseUnknownParameters)
    describeProblems(scope)
    connectionRoutes(deps)(scope)
    connectionTestRoutes(deps)(scope)
    credentialRoutes(deps)(scope)
    capacityAndUsageRoutes(deps)(scope)
    discoveredCapacityRoutes(deps)(scope)
    capacityStreamRoute(deps)(scope)
    apiKeyRoutes(deps)(scope)
    operatorTokenRoutes(deps)(scope)
    sessionRoutes({ ...deps, guard, isCookieAlwaysSecure })(scope)
    auditLogRoutes(deps)(scope)
    providerRoutes(deps.rules)(scope)
    scope.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
    done()
  }
  await app.register(authenticated, { prefix: '/api/v1' })
  return app
}

/** For supervisors and load balancers: without authentication, and without secrets. */
function addHealthRoutes(app: App, health: Health): void {
  app.get('/healthz', { schema: { hide: true } }, () => ({ status: 'ok' }))

  // Ready means that the admin API works, which it does without the bus.
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const database = await health.isDatabaseReachable()
    const body = { status: database ? 'ready' : 'not ready', database, bus: health.isBusConnected() }
    return reply.code(database ? 200 : 503).send(body)
  })
}

/** Gives routes without a query schema an empty one: an unknown parameter would be ignored otherwise. */
function refuseUnknownParameters({ schema }: RouteOptions): void {
  if (schema !== undefined && schema.querystring === undefined) schema.querystring = Type.Object({})
}

/** Ample for the largest document: an API key scoped to a thousand connections. */
const MAX_BODY_BYTES = 256 * 1_024
const REQUEST_TIMEOUT_MS = 30_000
