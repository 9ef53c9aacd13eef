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
 * Ends an admitted request that is not sent to its provider: responds with the error, and records the end.
 *
 * | The request ends because                            | outcome          | `deniedBy`             | model    |
 * | --------------------------------------------------- | ---------------- | ---------------------- | -------- |
 * | it is not admitted: {@link refuseUnadmitted}        | not recorded     |                        |          |
 * | the client disconnected                             | `aborted`        |                        | if known |
 * | capacity denied it, or is unavailable               | `denied`         | the limit, or the code | yes      |
 * | the request is at fault: a status below 500         | `client_error`   |                        |          |
 * | after it was admitted, its key was revoked, or its  | `client_error`   |                        |          |
 * | connection disabled, deleted or restricted          |                  |                        |          |
 * | the gateway or the credential is: 500 and above     | `upstream_error` |                        |          |
 */
export function refuse(deps: RefuseDeps, request: AdmittedRequest, ended: Ended, response: ServerResponse): void {
  recordEnd(deps, request, ended)
  respond(request, ended, response)
}

/**
 * Ends a request that was not admitted, because of its key, connection or operation: responds with the error, and records nothing. Such a
 * request belongs to no connection that its key may use, and anyone without a key could fill the records with such requests.
 */
export function refuseUnadmitted(context: ErrorContext, ended: Ended, response: ServerResponse): void {
  respond(context, ended, response)
}

function respond(context: ErrorContext, ended: Ended, response: ServerResponse): void {
  if (ended.status !== 'refused') return
  const { error, deniedBy, rateLimits } = ended
  writeError(response, error, deniedBy === undefined ? context : { ...context, rateLimits })
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
