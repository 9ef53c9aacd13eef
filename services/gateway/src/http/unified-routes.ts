import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ApiKey } from '../admission/api-key.ts'
import { authenticate, catchUp, mayBeOutdated } from '../admission/authenticate.ts'
import { checkHead } from '../admission/check-head.ts'
import { listModels, ModelLists } from '../translation/model-lists.ts'
import type { UnifiedCall } from '../translation/translate-call.ts'
import { unifiedCall } from '../translation/unified-call.ts'
import type { DataRoutesOptions } from './app.ts'
import type { GatewayError } from './gateway-error.ts'
import { writeError } from './write-error.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once it is known whose request of the unified endpoint it is. */
    sender: { readonly apiKey: ApiKey; readonly startedAtMs: number } | undefined
  }
}

/** `/v1/…`: OpenAI's API in front of every connection, with the model as `CONNECTION/MODEL`. */
export function unifiedRoutes(app: FastifyInstance, options: DataRoutesOptions): void {
  const { dataPlane: plane, logger } = options
  const lists = new ModelLists()

  app.register((unified, _options, done) => {
    unified.decorateRequest('sender', undefined)
    // The sender is known before any of a body is read.
    unified.addHook('onRequest', (request, reply, next) => {
      const startedAtMs = plane.clock.nowMs()
      const query = queryOf(request)
      const authenticated = () => authenticate(plane, request.raw, query, startedAtMs)
      const refuse = (error: GatewayError): void => {
        reply.hijack()
        writeError(reply.raw, error, { requestId: request.id })
      }
      const goOn = (apiKey: ApiKey | GatewayError) => {
        if ('code' in apiKey) return refuse(apiKey)
        const fault = checkHead(request.raw, reply.raw)
        if (fault !== undefined) return refuse(fault)
        request.sender = { apiKey, startedAtMs }
        next()
      }
      const apiKey = authenticated()
      if (!('code' in apiKey) || !mayBeOutdated(apiKey, request.raw, query)) {
        goOn(apiKey)
        return
      }
      catchUp(plane)
        .then((busy) => goOn(busy ?? authenticated()))
        .catch((err: unknown) => {
          logger.error({ err, requestId: request.id }, 'request failed')
          reply.raw.destroy()
        })
    })

    for (const [path, operation] of OPERATIONS) {
      unified.post(path, (request, reply) => {
        const { apiKey, startedAtMs } = senderOf(request)
        reply.hijack()
        const call: UnifiedCall = { requestId: request.id, startedAtMs, apiKey, operation }
        unifiedCall(plane, call, request.raw, reply.raw, options).catch((err: unknown) => {
          logger.error({ err, requestId: request.id }, 'request failed')
          reply.raw.destroy()
        })
      })
    }

    unified.get('/v1/models', async (request, reply) => {
      const { apiKey } = senderOf(request)
      const models = await listModels(plane, lists, { apiKey, requestId: request.id }, logger)
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
