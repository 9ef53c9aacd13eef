import type { ServerResponse } from 'node:http'
import { type ResponseEvent, SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { ResponseEvents } from '../accounting/response-event-publisher.ts'
import { ClientDisconnected } from '../estimate/body-reader.ts'
import { gatewayError, INTERNAL_ERROR } from '../http/gateway-error.ts'
import { type ErrorContext, writeError } from '../http/write-error.ts'
import type { Clock } from '../ports.ts'
import { ABORTED, type Ended, type Refused, refused } from '../result.ts'
import type { ApiKey } from './api-key.ts'
import type { UsableConnection } from './connection.ts'

/** A request that was admitted to a connection: how it ends is recorded there. */
export interface AdmittedRequest extends ErrorContext {
  readonly startedAtMs: number
  readonly apiKey: ApiKey
  readonly connection: UsableConnection
  /** Present once the body was inspected. */
  readonly inspection?: { readonly model: string }
}

export interface RefuseDeps {
  readonly events: ResponseEvents
  readonly clock: Clock
}

/**
 * Ends a request that is not sent to its provider: responds with the error, and records the end.
 *
 * | The request ends because                           | outcome          | `deniedBy`             | model    |
 * | -------------------------------------------------- | ---------------- | ---------------------- | -------- |
 * | it was not admitted: its key, connection, operation | not recorded     |                        |          |
 * | the client disconnected                            | `aborted`        |                        | if known |
 * | capacity denied it, or is unavailable              | `denied`         | the limit, or the code | yes      |
 * | the request is at fault: a status below 500        | `client_error`   |                        |          |
 * | the gateway or the credential is: 500 and above    | `upstream_error` |                        |          |
 */
export function refuse(
  deps: RefuseDeps,
  request: ErrorContext | AdmittedRequest,
  ended: Ended,
  response: ServerResponse,
): void {
  if ('apiKey' in request) recordEnd(deps, request, ended)
  if (ended.status === 'refused') respondError(request, ended, response)
}

function respondError(request: ErrorContext, { error, deniedBy, rateLimits }: Refused, response: ServerResponse): void {
  writeError(response, error, deniedBy === undefined ? request : { ...request, rateLimits })
}

function recordEnd({ events, clock }: RefuseDeps, request: AdmittedRequest, ended: Ended): void {
  const { requestId, startedAtMs, apiKey, connection, inspection } = request
  const { id, provider } = connection.settings
  const end = recordedEnd(ended)
  const namesModel = end.outcome === 'aborted' || end.outcome === 'denied'
  const model = namesModel && inspection !== undefined ? inspection.model : ''
  events.record(id, provider, { requestId, startedAtMs, endedAtMs: clock.nowMs(), apiKeyId: apiKey.id, model, ...end })
}

function recordedEnd(ended: Ended): Pick<ResponseEvent, 'outcome' | 'deniedBy'> {
  if (ended.status === 'aborted') return { outcome: 'aborted' }
  const { deniedBy, error } = ended
  if (deniedBy !== undefined) return { outcome: 'denied', deniedBy }
  return { outcome: error.status >= 500 ? 'upstream_error' : 'client_error' }
}

/** Logs the exception that kept the gateway from serving a request, and returns how the request ends by it. */
export function endedByFault(error: unknown, requestId: string, logger: Logger): Ended {
  if (error instanceof ClientDisconnected) return ABORTED
  const known = error instanceof SluiceError ? KNOWN_FAULTS.get(error.code) : undefined
  logger[known === undefined ? 'error' : 'warn']({ err: error, requestId }, 'request not forwarded')
  return known ?? INTERNAL
}

const INTERNAL = refused(INTERNAL_ERROR)
const KNOWN_FAULTS: ReadonlyMap<string, Refused> = new Map([
  [
    'credential_unavailable',
    refused(gatewayError('credential_unavailable', 'The credential of the connection is not available.')),
  ],
  [
    'unavailable',
    refused(gatewayError('unavailable', 'The gateway cannot serve the request now. Try again in a moment.')),
  ],
])
