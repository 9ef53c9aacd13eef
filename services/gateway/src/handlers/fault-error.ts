import { SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'

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
