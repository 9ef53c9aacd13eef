import type { FastifyError, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { ProviderRoute } from '../core/simulated-provider.ts'
import { handleRequest, type Simulation } from './handle-request.ts'

/** Serves the provider's own paths, and its error for all others. Bodies reach the provider unparsed. */
export const providerRoutes: FastifyPluginCallback<Simulation> = (server, simulation, done) => {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  server.setNotFoundHandler((request, reply) => handle(simulation, request, reply))
  server.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') throw error
    return handle(simulation, request, reply, { tooLarge: true })
  })
  for (const route of simulation.provider.routes) {
    server.route({
      method: route.method,
      url: route.path,
      config: { route },
      handler: (request, reply) => handle(simulation, request, reply),
    })
  }
  done()
}

declare module 'fastify' {
  interface FastifyContextConfig {
    route?: ProviderRoute
  }
}

async function handle(
  simulation: Simulation,
  request: FastifyRequest,
  reply: FastifyReply,
  { tooLarge = false } = {},
): Promise<void> {
  // The simulator writes to the socket itself, so that it can stop halfway.
  reply.hijack()
  const { route } = request.routeOptions.config
  const query = request.url.indexOf('?')
  const incoming = {
    method: request.method,
    path: query === -1 ? request.url : request.url.slice(0, query),
    query: query === -1 ? '' : request.url.slice(query + 1),
    params: request.params as Record<string, string>,
    headers: request.headers,
    body: typeof request.body === 'string' ? request.body : '',
    tooLarge,
    ...(route && { route }),
  }
  try {
    await handleRequest(simulation, incoming, reply.raw)
  } catch (error) {
    // Fastify does not end a hijacked reply.
    console.error('provider simulator: failed at', request.method, incoming.path, error)
    reply.raw.destroy()
  }
}
