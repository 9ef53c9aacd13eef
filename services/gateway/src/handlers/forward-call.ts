import { IncomingMessage, type ServerResponse } from 'node:http'
import { SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import { requestHeaders } from '../domain/forwarded-headers.ts'
import { gatewayError } from '../domain/gateway-error.ts'
import { MAX_WAIT_HEADER, MAX_WAIT_MS, maxWaitMs } from '../domain/max-wait.ts'
import type { CredentialSecrets } from '../ports/credentials.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { AnswerRelay } from './answer-relay.ts'
import type { Call, PermittedCall } from './call.ts'
import { obtainPermit } from './obtain-permit.ts'
import { prepareCall } from './prepare-call.ts'
import { uploadBody } from './upload-body.ts'
import { writeError } from './write-error.ts'

export interface ForwardOptions {
  readonly logger: Logger
  /** Of a body that is streamed on. */
  readonly maxUploadBytes: number
}

/**
 * Takes an admitted call to its provider and the answer back. The permit is always settled, and the response ended; only where
 * it cannot even be told of its failure, rejects.
 * @param body a Buffer for JSON, the request itself where the body is to be streamed on, undefined where there is none
 */
export async function forwardCall(
  plane: DataPlane,
  call: Call,
  request: IncomingMessage,
  body: unknown,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  let relay: AnswerRelay | undefined
  try {
    const length = Number(request.headers['content-length'] ?? 0)
    if (body instanceof IncomingMessage && length > options.maxUploadBytes) {
      return writeError(response, gatewayError('payload_too_large', 'The upload is too large.'), call)
    }
    const preparation = prepareCall(call, body instanceof Buffer ? body : undefined)
    if (preparation.status === 'refused') return writeError(response, preparation.error, call)

    const waitMs = maxWaitMs(request.headers[MAX_WAIT_HEADER], call.connection.settings.maxWaitMs)
    if (waitMs === undefined) return writeError(response, BAD_MAX_WAIT, call)
    const wait = { maxWaitMs: waitMs, gone: () => goneSignal(response) }
    const permission = await obtainPermit(plane, preparation.call, wait)
    if (permission.status === 'left') return
    if (permission.status === 'refused') {
      return writeError(response, permission.error, { ...call, rateLimits: permission.rateLimits })
    }
    relay = new AnswerRelay(plane, permission.call, response, options.logger)
    const secrets = await credentialOf(plane, permission.call)
    const upload = body instanceof IncomingMessage ? uploadBody(body, options.maxUploadBytes) : undefined
    relay.send(upstreamRequest(permission.call, request, secrets, preparation.body ?? upload ?? null), secrets)
  } catch (error) {
    const expected = error instanceof SluiceError && error.code === 'credential_unavailable'
    options.logger[expected ? 'warn' : 'error']({ err: error, requestId: call.requestId }, 'request not forwarded')
    const answer = expected
      ? gatewayError('credential_unavailable', 'The credential of the connection is not available.')
      : gatewayError('internal', 'Internal error.')
    if (relay === undefined) writeError(response, answer, call)
    else relay.giveUp(answer)
  }
}

function credentialOf(
  { credentials }: DataPlane,
  { connection }: PermittedCall,
): CredentialSecrets | Promise<CredentialSecrets> {
  const { id, credentialVersion } = connection.settings
  return credentialVersion === undefined ? NO_SECRETS : credentials.get(id, credentialVersion)
}

const NO_SECRETS: CredentialSecrets = {}

function upstreamRequest(
  { connection, operation, query }: PermittedCall,
  request: IncomingMessage,
  secrets: CredentialSecrets,
  body: Buffer | ReturnType<typeof uploadBody> | null,
) {
  const { adapter, settings, origin, basePath } = connection
  const authHeaders = adapter.authHeaders({ ...settings.config, ...secrets })
  const headers = requestHeaders(request.headers, adapter.connectionHeaders, authHeaders)
  const length = request.headers['content-length']
  if (body !== null && !(body instanceof Buffer) && length !== undefined) headers.push('content-length', length)
  const path = query === '' ? basePath + operation.path : `${basePath}${operation.path}?${query}`
  return { origin, path, method: request.method ?? '', headers, body }
}

const BAD_MAX_WAIT = gatewayError(
  'invalid_request',
  `The header ${MAX_WAIT_HEADER} takes a number of seconds from 0 to ${MAX_WAIT_MS / 1_000}.`,
)

/** Aborted when the application goes away before it was answered. */
function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}
