import type { Health } from '../ports/health.ts'
import type { Routes } from './routes.ts'

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
