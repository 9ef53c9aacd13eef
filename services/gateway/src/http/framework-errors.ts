import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { openAiErrorResponse, type ProviderAdapter, providerAdapter } from '@sluice/providers'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type GatewayError, gatewayError, INTERNAL_ERROR } from './gateway-error.ts'
import { nothingThere } from './path-hints.ts'
import type { DataRoutesOptions } from './request-boundary.ts'
import { writeError } from './write-error.ts'

/** Formats the errors that Fastify itself finds as OpenAI would. Errors of a connection's calls are found before. */
export function frameworkErrors(app: FastifyInstance, { logger }: Pick<DataRoutesOptions, 'logger'>): void {
  app.register((nowhere, _options, done) => {
    const refuse = (request: FastifyRequest, reply: FastifyReply): void => {
      const { error, provider } = nothingThere(request.method, request.url)
      const format = provider === undefined ? undefined : providerAdapter(provider).errorResponse
      respond(request, reply, error, format)
    }
    // Before any of a body is read: its sender may wait for leave to send it.
    nowhere.addHook('onRequest', refuse)
    nowhere.setNotFoundHandler(refuse)
    done()
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if ((error.statusCode ?? 500) >= 500) logger.error({ err: error, requestId: request.id }, 'request failed')
    respond(request, reply, worded(error, request))
  })
}

/** Responds to a URL that cannot be routed, which reaches no route and no error handler. */
export function unroutable(_error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  respond(
    request,
    reply,
    gatewayError(
      'invalid_request',
      'The URL is malformed: a % in it is not followed by two hexadecimal digits of UTF-8.',
    ),
  )
}

/** Responds to what is not HTTP, or is too slow or too large in its headers: there is no request, only a socket. */
export function unparsable(error: Error & { code?: string }, socket: Socket & { _httpMessage?: ServerResponse }): void {
  // In the middle of a response to an earlier request, an error would pass for a part of it. Node looks at the same field.
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy()
    return
  }
  refuseSocket(socket, PARSER_ERRORS[error.code ?? ''] ?? MALFORMED)
}

/** Refuses `CONNECT`, for which Node hands over the socket without a response to write to. */
export function refuseTunnel(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  refuseSocket(socket, TUNNEL)
}

/** Refuses an HTTP/2 request whose head a parser of HTTP/1.1 would refuse, or that takes too long. */
export function refuseRequest(
  response: ServerResponse,
  code: 'HPE_HEADER_OVERFLOW' | 'ERR_HTTP_REQUEST_TIMEOUT',
): void {
  const { status, message } = PARSER_ERRORS[code]
  writeError(response, { ...gatewayError('invalid_request', message), status }, { requestId: randomUUID() })
}

function refuseSocket(socket: Socket, { code = 'invalid_request', status, phrase, message }: SocketRefusal): void {
  const requestId = randomUUID()
  const { headers, body } = openAiErrorResponse({ code, status, message, requestId })
  const fields = {
    ...headers,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
    'x-request-id': requestId,
    'x-sluice-source': 'gateway',
  }
  // Node may have stopped to read, and would then not see the other side close; what it has sent is not waited for long either.
  // A timer of our own, as Node resets the socket's when a response to an earlier request ends.
  const timer = setTimeout(() => socket.destroy(), REFUSED_TIMEOUT_MS)
  socket.once('close', () => clearTimeout(timer))
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join('')}\r\n${body}`)
}

/** The time that the other side has to read its refusal and close the connection. */
const REFUSED_TIMEOUT_MS = 2_000

interface SocketRefusal {
  /** `invalid_request` if absent. */
  readonly code?: GatewayError['code']
  readonly status: number
  readonly phrase: string
  readonly message: string
}

const MALFORMED: SocketRefusal = { status: 400, phrase: 'Bad Request', message: 'The request is not valid HTTP.' }
const TUNNEL: SocketRefusal = {
  code: 'unsupported_operation',
  status: 404,
  phrase: 'Not Found',
  message: 'The gateway makes no tunnels (CONNECT).',
}
const PARSER_ERRORS: Readonly<Record<string, SocketRefusal>> &
  Record<'HPE_HEADER_OVERFLOW' | 'ERR_HTTP_REQUEST_TIMEOUT', SocketRefusal> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    phrase: 'Request Header Fields Too Large',
    message: 'The request has too long a URL or headers.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, phrase: 'Request Timeout', message: 'The request did not arrive in time.' },
}

function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  error: GatewayError,
  formatError?: ProviderAdapter['errorResponse'],
): void {
  reply.hijack()
  // A request that took too long was responded to when its time was over.
  if (reply.raw.headersSent) return
  writeError(reply.raw, error, { requestId: request.id, ...(formatError === undefined ? {} : { formatError }) })
}

function worded({ statusCode = 500, code }: FastifyError, { headers, routeOptions }: FastifyRequest): GatewayError {
  if (statusCode >= 500) return INTERNAL_ERROR
  if (statusCode === 413) {
    const { 'content-length': length } = headers
    const size = length === undefined ? '' : ` ${length} bytes,`
    return gatewayError(
      'payload_too_large',
      `The body has${size} more than the ${routeOptions.bodyLimit} bytes that are taken here.`,
    )
  }
  return gatewayError('invalid_request', FASTIFY_MESSAGES[code] ?? 'The request is malformed.')
}

const FASTIFY_MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The content-type is malformed.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its content-length says.',
}
