import type { FastifyInstance } from 'fastify'
import type { Readiness } from '../ports/readiness.ts'

/**
 * `/healthz`: the process runs. `/readyz`: requests get their permits, or 503 with the reasons why they do not. Neither needs
 * a key.
 */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const reasons = await readiness.reasons()
    if (reasons.length === 0) return { status: 'ready' }
    return reply.code(503).send({ status: 'unready', reasons })
  })
}
