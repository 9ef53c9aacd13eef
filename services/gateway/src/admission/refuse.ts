import type { ServerResponse } from 'node:http'
import { type ResponseEvent, SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { DataPlane } from '../data-plane.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { type ErrorContext, writeError } from '../http/write-error.ts'
import type { Call } from '../relay/call.ts'

/** What is known of a request on a connection that its sender may use. */
export type UnsentCall = Pick<Call, 'requestId' | 'startedAtMs' | 'apiKey' | 'connection'>

/** Records the end of a request that was not sent to the provider. @param model empty where it was not looked at */
export function recordUnsent(
  { events, clock }: DataPlane,
  { requestId, startedAtMs, apiKey, connection }: UnsentCall,
  model: string,
  end: Pick<ResponseEvent, 'outcome' | 'deniedBy'>,
): void {
  const { id, provider } = connection.settings
  events.record(id, provider, { requestId, startedAtMs, endedAtMs: clock.nowMs(), apiKeyId: apiKey.id, model, ...end })
}

/** Answers a request on a connection that its sender may use with an error of the gateway's own, and records it. */
export function refuseCall(
  plane: DataPlane,
  call: UnsentCall & ErrorContext,
  error: GatewayError,
  response: ServerResponse,
): void {
  recordRefusal(plane, call, error)
  writeError(response, error, call)
}

/** A fault of ours or of the credential's is none of the application's. */
export function recordRefusal(plane: DataPlane, call: UnsentCall, { status }: GatewayError): void {
  recordUnsent(plane, call, '', { outcome: status >= 500 ? 'upstream_error' : 'client_error' })
}

/** Logs what kept the gateway from serving a request, and gives what its application is told of that. */
export function faultError(error: unknown, requestId: string, logger: Logger): GatewayError {
  const known = error instanceof SluiceError ? KNOWN.get(error.code) : undefined
  logger[known === undefined ? 'error' : 'warn']({ err: error, requestId }, 'request not forwarded')
  return known ?? INTERNAL
}

const INTERNAL = gatewayError('internal', 'Internal error.')
const KNOWN: ReadonlyMap<string, GatewayError> = new Map([
  [
    'credential_unavailable',
    gatewayError('credential_unavailable', 'The credential of the connection is not available.'),
  ],
  ['unavailable', gatewayError('unavailable', 'The gateway cannot serve the request now. Try again in a moment.')],
])
