import { denialError, deniedBy } from '../domain/denial.ts'
import type { GatewayError } from '../domain/gateway-error.ts'
import { gatewayError } from '../domain/gateway-error.ts'
import { type RateLimitFields, rateLimitFields } from '../domain/rate-limit-fields.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { PermittedCall, PreparedCall } from './call.ts'

export type Permission =
  | { readonly status: 'permitted'; readonly call: PermittedCall }
  | {
      readonly status: 'refused'
      readonly error: GatewayError
      readonly rateLimits: RateLimitFields | undefined
    }

/** Asks for the call's permit; a refusal is recorded. Where capacity cannot be asked, the connection's policy decides. */
export async function obtainPermit(plane: DataPlane, call: PreparedCall): Promise<Permission> {
  const { id, name, onCapacityUnavailable } = call.connection.settings
  const { model } = call.inspection
  const outcome = await plane.permits.acquire(id, model, call.estimate.tokens)
  if (outcome.status === 'granted') {
    const rateLimits = rateLimitFields(outcome.windows)
    return { status: 'permitted', call: { ...call, permit: outcome.permit, rateLimits } }
  }
  if (outcome.status === 'denied') {
    recordDenial(plane, call, deniedBy(outcome.denied))
    const error = denialError(outcome.denied, name, call.estimate.tokens)
    return { status: 'refused', error, rateLimits: rateLimitFields(outcome.windows) }
  }
  if (onCapacityUnavailable === 'allow') {
    return { status: 'permitted', call: { ...call, permit: plane.permits.unreserved(id), rateLimits: undefined } }
  }
  const error = gatewayError('capacity_unavailable', `The capacity of connection "${name}" cannot be told just now.`)
  recordDenial(plane, call, error.code)
  return { status: 'refused', error, rateLimits: undefined }
}

function recordDenial({ events, clock }: DataPlane, call: PreparedCall, by: string): void {
  const { id, provider } = call.connection.settings
  events.record(id, provider, {
    requestId: call.requestId,
    startedAtMs: call.startedAtMs,
    endedAtMs: clock.nowMs(),
    apiKeyId: call.apiKeyId,
    model: call.inspection.model,
    outcome: 'denied',
    deniedBy: by,
  })
}
