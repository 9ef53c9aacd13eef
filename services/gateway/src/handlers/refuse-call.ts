import type { ServerResponse } from 'node:http'
import type { GatewayError } from '../domain/gateway-error.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import { recordUnsent, type UnsentCall } from './record-unsent.ts'
import { type ErrorContext, writeError } from './write-error.ts'

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
