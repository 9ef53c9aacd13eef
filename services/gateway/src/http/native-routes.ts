import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { type Admission, admitCall } from '../admission/admit-call.ts'
import { checkHead } from '../admission/check-head.ts'
import { providerTarget } from '../admission/provider-target.ts'
import { refuse, refuseUnadmitted } from '../admission/refuse.ts'
import { forwardCall } from '../relay/forward-call.ts'
import { refused } from '../result.ts'
import { expectedFormat } from './path-hints.ts'
import { CALL_METHODS, type DataRoutesOptions } from './request-boundary.ts'
import { type ErrorContext, endWithFault } from './write-error.ts'

/** Adds the routes `/connections/{name}/…`: the provider's own API, passed through byte for byte. */
export function nativeRoutes(app: FastifyInstance, options: DataRoutesOptions): void {
  const { dataPlane: deps, logger } = options
  app.route<{ Params: { name: string } }>({
    method: [...CALL_METHODS],
    url: '/connections/:name/*',
    // All of it happens here, before Fastify looks at the body: the API key is known before any of the body is read, and the call receives it
    // as it needs it.
    onRequest: ({ raw, params, id: requestId }, reply) => {
      reply.hijack()
      const response = reply.raw
      const goOn = (admission: Admission): Promise<void> | void => {
        if (admission.status === 'refused')
          return refuseUnadmitted(contextOf(raw, requestId, admission), admission, response)
        const call = admission.value
        const error = checkHead(raw, response)
        if (error !== undefined) return refuse(deps, call, refused(error), response)
        return forwardCall(deps, call, raw, response, options)
      }
      const fail = (err: unknown): void => {
        logger.error({ err, requestId }, 'request failed')
        endWithFault(response, { requestId, connection: deps.connections.byName(params.name) })
      }
      try {
        const admission = admitCall(deps, raw, params.name, requestId)
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

/** Returns the context in whose format an error is written: the connection's; if there is none, the one that path and headers suggest. */
function contextOf(
  { url, headers }: IncomingMessage,
  requestId: string,
  { connection }: Extract<Admission, { readonly status: 'refused' }>,
): ErrorContext {
  if (connection !== undefined) return { requestId, connection }
  const formatError = expectedFormat(headers, providerTarget(url ?? '')?.path ?? '')
  return { requestId, ...(formatError && { formatError }) }
}
