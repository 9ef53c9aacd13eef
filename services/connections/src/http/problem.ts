import { STATUS_CODES } from 'node:http'
import { ConnectionTest, type ErrorCode, FieldError, SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { CredentialNotRotatedError } from '../credentials/rotate-credential.ts'
import { RateLimitedError } from './attempt-guard.ts'
import { listRoutes, methodsAt, noRouteMessage, shownPath } from './known-routes.ts'

/** RFC 9457 problem details, with Sluice's extension members. */
export type Problem = Static<typeof Problem>
export const Problem = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String({ description: "The status's name." }),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable, for programs.' }),
    requestId: Type.String(),
    errors: Type.Optional(Type.Array(FieldError, { description: 'What is wrong, one entry per field.' })),
    test: Type.Optional(ConnectionTest),
  },
  { $id: 'Problem' },
)

/** Sends every error of the app, and every request without a route, as a problem. */
export function sendErrorsAsProblems(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, logger))
  const routes = listRoutes(app)
  app.setNotFoundHandler((request, reply) => {
    const [path = request.url] = request.url.split('?', 1)
    const methods = methodsAt(routes, path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    const error =
      methods.length > 0
        ? new SluiceError(
            'method_not_allowed',
            `${shownPath(path)} accepts ${methods.join(', ')}, not ${request.method}.`,
          )
        : new SluiceError('not_found', noRouteMessage(request.method, path, routes))
    return sendProblem(error, request, reply, logger)
  })
}

/** Returns the raw response to input that never becomes a request: its head is not HTTP, too large or too slow. */
export function clientErrorResponse(error: NodeJS.ErrnoException): string {
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const title = titleOf(status)
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: title, code: 'invalid_request' })
  const headers = [
    `HTTP/1.1 ${status} ${title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  return `${headers.join('\r\n')}\r\n\r\n${body}`
}

export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const { status, code, detail, errors = [], test } = describe(error, request)
  if (status >= 500) {
    logger.error({ err: error, requestId: request.id, route: request.routeOptions.url }, 'a request failed')
  }
  reply.header('x-request-id', request.id)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (status === 503) reply.header('retry-after', '1')
  if (error instanceof RateLimitedError) reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1_000)))
  const problem: Problem = {
    type: 'about:blank',
    title: titleOf(status),
    status,
    detail,
    code,
    requestId: request.id,
    ...(errors.length === 0 ? {} : { errors: [...errors] }),
    ...(test === undefined ? {} : { test }),
  }
  return reply.code(status).type(PROBLEM_TYPE).send(problem)
}

interface Description {
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly errors?: readonly FieldError[]
  /** The provider's response to a new credential. */
  readonly test?: ConnectionTest
}

function describe(error: unknown, request: FastifyRequest): Description {
  return error instanceof SluiceError ? describeSluiceError(error) : describeFastifyError(error, request)
}

function describeSluiceError(error: SluiceError): Description {
  const status = STATUS_BY_CODE[error.code]
  if (status === undefined) return INTERNAL
  return {
    status,
    code: error.code,
    detail: error.message,
    errors: error.fields,
    ...(error instanceof CredentialNotRotatedError ? { test: error.test } : {}),
  }
}

/** Uses none of Fastify's messages: they may quote the request, which may contain a secret. */
function describeFastifyError(error: unknown, request: FastifyRequest): Description {
  if (!(error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number')) return INTERNAL
  const { statusCode: status } = error
  if (status < 400 || status >= 500) return INTERNAL
  if (status === 413) return { status, code: 'payload_too_large', detail: tooLargeMessage(request) }
  const cause = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const code = status === 404 ? 'not_found' : 'invalid_request'
  return { status, code, detail: DETAIL_BY_CAUSE[cause] ?? titleOf(status) }
}

function tooLargeMessage({ headers, routeOptions }: FastifyRequest): string {
  const max = routeOptions.bodyLimit
  const size = headers['content-length']
  return size === undefined
    ? `The body has more than ${max} bytes.`
    : `The body has ${size} bytes, more than the maximum of ${max}.`
}

function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error'
}

const INTERNAL: Description = { status: 500, code: 'internal', detail: 'An internal error occurred.' }

/** Other codes are internal errors. */
const STATUS_BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  connection_not_found: 404,
  method_not_allowed: 405,
  name_taken: 409,
  last_admin_token: 409,
  no_previous_credential: 409,
  nothing_discovered: 409,
  version_conflict: 412,
  payload_too_large: 413,
  credential_rejected: 422,
  rate_limited: 429,
  credential_untested: 502,
  upstream_unreachable: 502,
  credential_unavailable: 503,
  capacity_unavailable: 503,
  unavailable: 503,
}

/** By Fastify's error codes: https://fastify.dev/docs/latest/Reference/Errors/ */
const DETAIL_BY_CAUSE: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The URL is malformed: a % in it is not followed by two hexadecimal digits of UTF-8.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "The body's length differs from Content-Length.",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON, with the content type application/json.',
}

const PROBLEM_TYPE = 'application/problem+json'
