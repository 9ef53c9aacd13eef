import type { FastifyInstance, FastifyRequest } from 'fastify'
import { admitCall } from '../handlers/admit-call.ts'
import type { Call } from '../handlers/call.ts'
import { checkHead } from '../handlers/check-head.ts'
import { forwardCall } from '../handlers/forward-call.ts'
import { refuseCall } from '../handlers/refuse-call.ts'
import { writeError } from '../handlers/write-error.ts'
import type { DataRoutesOptions } from './data-routes-options.ts'
import { CALL_METHODS } from './request-boundary.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once the request may use its connection. */
    call: Call | undefined
  }
}

/** `/connections/{name}/…`: the provider's own API, passed through byte for byte. */
export function nativeRoutes(app: FastifyInstance, options: DataRoutesOptions): void {
  const { dataPlane: plane, logger } = options
  app.decorateRequest('call', undefined)
  app.route<{ Params: { name: string } }>({
    method: [...CALL_METHODS],
    url: '/connections/:name/*',
    // The application is known before any of its body is read.
    onRequest: (request, reply, next) => {
      const admission = admitCall(plane, request.raw, request.params.name, request.id)
      if (admission.status === 'refused') {
        reply.hijack()
        writeError(reply.raw, admission.error, { requestId: request.id, connection: admission.connection })
        return
      }
      const fault = checkHead(request.raw, reply.raw)
      if (fault !== undefined) {
        reply.hijack()
        refuseCall(plane, admission.call, fault, reply.raw)
        return
      }
      request.call = admission.call
      next()
    },
    handler: (request, reply) => {
      if (request.call === undefined) throw new Error('a request was not admitted')
      reply.hijack()
      const { call, raw } = request
      forwardCall(plane, call, raw, hasBody(request), reply.raw, options).catch((err: unknown) => {
        logger.error({ err, requestId: call.requestId }, 'request failed')
        reply.raw.destroy()
      })
    },
  })
}

/** What Fastify's parser for any type hands over is the request itself, unread. */
export function hasBody({ body }: FastifyRequest): boolean {
  return body !== undefined && body !== null
}
