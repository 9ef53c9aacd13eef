import { STATUS_CODES } from 'node:http'
import { ConnectionTest, type ErrorCode, FieldError, SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { CredentialRejectedError, CredentialUntestedError } from '../credentials/rotate-credential.ts'
import { RateLimitedError } from './attempt-guard.ts'
import { listRoutes, methodsAt, nothingThere, shownPath } from './known-routes.ts'

/** RFC 9457 problem details, with the members that Sluice adds. */
export type Problem = Static<typeof Problem>
export const Problem = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String({ description: 'The status in words.' }),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'Stable: what programs go by.' }),
    requestId: Type.String(),
    errors: Type.Optional(Type.Array(FieldError, { description: 'What is wrong, one entry a field.' })),
    test: Type.Optional(ConnectionTest),
  },
  { $id: 'Problem' },
)

/** Makes every fault of the app a problem: the only place where faults become HTTP. */
export function responseFaults(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, logger))
  const routes = listRoutes(app)
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    const methods = methodsAt(routes, path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    const fault =
      methods.length > 0
        ? new SluiceError(
            'method_not_allowed',
            `${shownPath(path)} takes ${methods.join(', ')}, not ${request.method}.`,
          )
        : new SluiceError('not_found', nothingThere(request.method, path, routes))
    return sendProblem(fault, request, reply, logger)
  })
}

/** Answers what never becomes a request, as its first bytes are not HTTP or too many. */
export function clientErrorResponse(error: NodeJS.ErrnoException): string {
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const title = STATUS_CODES[status] ?? ''
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
  const { status, code, detail, errors, test } = describe(error, request)
  if (status >= 500)
    logger.error({ err: error, requestId: request.id, route: request.routeOptions.url }, 'request failed')
  reply.header('x-request-id', request.id)
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (status === 503) reply.header('retry-after', '1')
  if (error instanceof RateLimitedError) reply.header('retry-after', String(Math.ceil(error.retryAfterMs / 1_000)))
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
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
  readonly errors: readonly FieldError[]
  /** What the provider answered where a new credential was tried. */
  readonly test?: ConnectionTest
}

function describe(error: unknown, request: FastifyRequest): Description {
  if (error instanceof SluiceError) {
    const status = STATUS_BY_CODE[error.code] ?? 500
    if (status === 500) return INTERNAL
    const description = { status, code: error.code, detail: error.message, errors: error.fields }
    const isTested = error instanceof CredentialRejectedError || error instanceof CredentialUntestedError
    return isTested ? { ...description, test: error.test } : description
  }
  // Fastify's own. Its message may quote what was sent, which may hold a secret, so that it is told in other words.
  const { statusCode: status = 500, code: cause = '' } = error instanceof Error ? (error as Partial<FastifyError>) : {}
  if (status < 400 || status >= 500) return INTERNAL
  const code = status === 413 ? 'payload_too_large' : status === 404 ? 'not_found' : 'invalid_request'
  return {
    status,
    code,
    detail:
      status === 413
        ? tooLarge(request)
        : (DETAIL_BY_CAUSE[cause] ?? STATUS_CODES[status] ?? 'The request is not valid.'),
    errors: [],
  }
}

function tooLarge({ headers, routeOptions }: FastifyRequest): string {
  const most = routeOptions.bodyLimit
  const size = headers['content-length']
  return size === undefined
    ? `The body has more than ${most} bytes.`
    : `The body has ${size} bytes, more than the ${most} that are taken.`
}

const INTERNAL: Description = { status: 500, code: 'internal', detail: 'Something went wrong inside.', errors: [] }

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

/** By Fastify's own codes: https://fastify.dev/docs/latest/Reference/Errors/ */
const DETAIL_BY_CAUSE: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The address is malformed: a % in it is not followed by two hexadecimal digits of UTF-8.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON, with the content type application/json.',
}

const PROBLEM_TYPE = 'application/problem+json'
