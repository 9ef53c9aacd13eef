import type { FastifyInstance } from 'fastify'

/** `/healthz`: the process runs. `/readyz`: it takes requests (503 until then). Neither needs a key. */
export function healthRoutes(app: FastifyInstance, isReady: () => boolean): void {
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', (_request, reply) => {
    const ready = isReady()
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'starting' })
  })
}
