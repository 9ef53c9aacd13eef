import type { FastifyInstance } from 'fastify'
import { type Admission, admitCall, providerTarget } from '../admission/admit-call.ts'
import { checkHead } from '../admission/check-head.ts'
import { refuseCall } from '../admission/refuse.ts'
import { forwardCall } from '../relay/forward-call.ts'
import type { DataRoutesOptions } from './app.ts'
import { expectedFormat } from './path-hints.ts'
import { CALL_METHODS } from './request-boundary.ts'
import { writeError } from './write-error.ts'

/** `/connections/{name}/…`: the provider's own API, passed through byte for byte. */
export function nativeRoutes(app: FastifyInstance, options: DataRoutesOptions): void {
  const { dataPlane: plane, logger } = options
  app.route<{ Params: { name: string } }>({
    method: [...CALL_METHODS],
    url: '/connections/:name/*',
    // All of it happens here, before Fastify looks at the body: who calls is known before any of it is read, and it is received as the
    // call needs it.
    onRequest: ({ raw, params, id: requestId }, reply) => {
      reply.hijack()
      const response = reply.raw
      const goOn = (admission: Admission): Promise<void> | void => {
        if (admission.status === 'refused') {
          const { error, connection } = admission
          const path = connection === undefined ? (providerTarget(raw.url ?? '')?.path ?? '') : ''
          const formatError = connection === undefined ? expectedFormat(raw.headers, path) : undefined
          return writeError(response, error, { requestId, connection, ...(formatError && { formatError }) })
        }
        const { call } = admission
        const fault = checkHead(raw, response)
        if (fault !== undefined) return refuseCall(plane, call, fault, response)
        return forwardCall(plane, call, raw, response, options)
      }
      const fail = (err: unknown): void => {
        logger.error({ err, requestId }, 'request failed')
        response.destroy()
      }
      try {
        const admission = admitCall(plane, raw, params.name, requestId)
        const done = admission instanceof Promise ? admission.then(goOn) : goOn(admission)
        done?.catch(fail)
      } catch (err) {
        fail(err)
      }
    },
    handler: () => {
      throw new Error('a hijacked request came to its handler')
    },
  })
}
