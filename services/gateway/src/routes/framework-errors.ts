import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { openAiErrorAnswer } from '@sluice/providers'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { recordRefusal } from '../handlers/refuse-call.ts'
import { writeError } from '../handlers/write-error.ts'
import type { DataRoutesOptions } from './data-routes-options.ts'

/** Words the errors that Fastify and Node find themselves as the provider would, or as OpenAI where none is known; records those of calls. */
export function frameworkErrors(
  app: FastifyInstance,
  { logger, dataPlane }: Pick<DataRoutesOptions, 'logger' | 'dataPlane'>,
): void {
  app.register((nowhere, _options, done) => {
    const refuse = (request: FastifyRequest, reply: FastifyReply): void =>
      answer(request, reply, gatewayError('unsupported_operation', 'There is nothing at this path.'))
    // Answered before any of a body is read: its sender may wait for leave to send it.
    nowhere.addHook('onRequest', refuse)
    nowhere.setNotFoundHandler(refuse)
    done()
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if ((error.statusCode ?? 500) >= 500) logger.error({ err: error, requestId: request.id }, 'request failed')
    const refusal = worded(error)
    if (request.call !== undefined) recordRefusal(dataPlane, request.call, refusal)
    answer(request, reply, refusal)
  })
}

/** For a URL that cannot be routed, which reaches no route and no error handler. */
export function unroutable(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  answer(request, reply, gatewayError('invalid_request', 'The URL is malformed.'))
}

/** For what is not HTTP, or too slow or too large in its headers: there is no request to answer, only a socket. */
export function unparsable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, phrase, message } = PARSER_ERRORS[error.code ?? ''] ?? MALFORMED
  const requestId = randomUUID()
  const { headers, body } = openAiErrorAnswer({ code: 'invalid_request', status, message, requestId })
  const fields = {
    ...headers,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    'x-request-id': requestId,
    'x-sluice-source': 'gateway',
  }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${body}`)
}

const MALFORMED = { status: 400, phrase: 'Bad Request', message: 'The request is not valid HTTP.' }
const PARSER_ERRORS: Readonly<Record<string, typeof MALFORMED>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    phrase: 'Request Header Fields Too Large',
    message: 'The request has too long a URL or headers.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, phrase: 'Request Timeout', message: 'The request did not arrive in time.' },
}

function answer(request: FastifyRequest, reply: FastifyReply, error: GatewayError): void {
  reply.hijack()
  if (!request.raw.complete) {
    // The rest of a body that was given up would be taken for the next request; left unread, it would cut off the answer.
    reply.raw.setHeader('connection', 'close')
    request.raw.resume()
  }
  writeError(reply.raw, error, { requestId: request.id, connection: request.call?.connection })
}

function worded({ statusCode = 500, code }: FastifyError): GatewayError {
  if (statusCode >= 500) return gatewayError('internal', 'Internal error.')
  if (statusCode === 413) return gatewayError('payload_too_large', 'The body is too large.')
  return gatewayError('invalid_request', FASTIFY_MESSAGES[code] ?? 'The request is malformed.')
}

const FASTIFY_MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content-type is malformed.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its content-length says.',
}
