import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiKey } from '../admission/api-key.ts'
import { authenticate } from '../admission/authenticate.ts'
import { catchUp, mayBeOutdated } from '../admission/catch-up.ts'
import { checkHead } from '../admission/check-head.ts'
import { refuseUnadmitted } from '../admission/refuse.ts'
import { type Ended, type Result, refused } from '../result.ts'
import { forwardUnifiedCall } from '../translation/forward-unified-call.ts'
import { listModels, ModelLists } from '../translation/model-lists.ts'
import type { UnifiedCall } from '../translation/unified-call.ts'
import type { DataRoutesOptions } from './request-boundary.ts'
import { endWithFault } from './write-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The sender of a request of the unified endpoint, once it is known. */
    sender: { readonly apiKey: ApiKey; readonly startedAtMs: number } | undefined
  }
}

/** Adds the routes `/v1/…`: OpenAI's API in front of every connection, with the model as `CONNECTION/MODEL`. */
export function unifiedRoutes(app: FastifyInstance, options: DataRoutesOptions): void {
  const { dataPlane: deps, logger } = options
  const lists = new ModelLists()

  app.register((unified, _options, done) => {
    unified.decorateRequest('sender', undefined)
    // The sender is known before any of a body is read.
    unified.addHook('onRequest', (request, reply, next) => {
      const startedAtMs = deps.clock.nowMs()
      const query = queryOf(request)
      const authenticated = () => authenticate(deps, request.raw, query, startedAtMs)
      const end = (ended: Ended): void => {
        reply.hijack()
        refuseUnadmitted({ requestId: request.id }, ended, reply.raw)
      }
      const goOn = (authentication: Result<ApiKey>): void => {
        const error = authentication.status === 'ok' ? checkHead(request.raw, reply.raw) : undefined
        if (authentication.status !== 'ok') end(authentication)
        else if (error !== undefined) end(refused(error))
        else {
          request.sender = { apiKey: authentication.value, startedAtMs }
          next()
        }
      }
      const first = authenticated()
      if (first.status !== 'refused' || !mayBeOutdated(first, request.raw, query)) {
        goOn(first)
        return
      }
      catchUp(deps)
        .then((busy) => goOn(busy === undefined ? authenticated() : refused(busy)))
        .catch((err: unknown) => {
          logger.error({ err, requestId: request.id }, 'request failed')
          reply.hijack()
          endWithFault(reply.raw, { requestId: request.id })
        })
    })

    for (const [path, operation] of OPERATIONS) {
      unified.post(path, (request, reply) => {
        const { apiKey, startedAtMs } = senderOf(request)
        reply.hijack()
        const caller = { requestId: request.id, startedAtMs, apiKey }
        const unified: UnifiedCall = { ...caller, operation, request: request.raw, response: reply.raw }
        forwardUnifiedCall(deps, unified, options).catch((err: unknown) => {
          logger.error({ err, requestId: request.id }, 'request failed')
          endWithFault(reply.raw, { requestId: request.id })
        })
      })
    }

    unified.get('/v1/models', async (request, reply) => {
      const { apiKey } = senderOf(request)
      const models = await listModels(deps, lists, { apiKey, requestId: request.id }, logger)
      return reply.header('x-request-id', request.id).header('x-sluice-source', 'gateway').send(models)
    })
    done()
  })
}

const OPERATIONS: ReadonlyMap<string, UnifiedCall['operation']> = new Map([
  ['/v1/chat/completions', 'chat'],
  ['/v1/embeddings', 'embeddings'],
])

function queryOf({ url }: FastifyRequest): string {
  const questionMark = url.indexOf('?')
  return questionMark < 0 ? '' : url.slice(questionMark + 1)
}

function senderOf({ sender }: FastifyRequest): NonNullable<FastifyRequest['sender']> {
  if (sender === undefined) throw new Error('a request was not admitted')
  return sender
}
