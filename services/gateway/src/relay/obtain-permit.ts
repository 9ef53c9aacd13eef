import { recordUnsent } from '../admission/refuse.ts'
import type { DataPlane } from '../data-plane.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { denialError, deniedBy } from '../permits/denial.ts'
import type { PermitRequest, Permits, Wait } from '../permits/permit.ts'
import { type RateLimitFields, rateLimitFields } from '../permits/rate-limit-fields.ts'
import { reservedTokens, reservedWithin } from '../permits/reservation.ts'
import type { PermittedCall, PreparedCall } from './call.ts'

type Acquired = Awaited<ReturnType<Permits['acquire']>>

/** Asks for less than was denied where the provider may count less than the whole of one of its limits. Returns what came of the last request. */
async function acquiredWithin(
  { permits }: DataPlane,
  { connection: { adapter } }: PreparedCall,
  denial: Extract<Acquired, { readonly status: 'denied' }>,
  asked: PermitRequest,
  wait: Wait,
): Promise<Acquired> {
  let request = asked
  let outcome: Acquired = denial
  for (let looks = 1; looks <= MAX_LIMITS && outcome.status === 'denied'; looks++) {
    const within = reservedWithin(request, outcome.denied, adapter)
    if (within === undefined) return outcome
    request = { ...request, ...within }
    outcome = await permits.acquire(request, wait)
  }
  return outcome
}

/** Of tokens, input and output per minute, hour and day: each may be too small once. */
const MAX_LIMITS = 9

export type Permission =
  | { readonly status: 'permitted'; readonly call: PermittedCall }
  /** The application went away while it waited. */
  | { readonly status: 'left' }
  | {
      readonly status: 'refused'
      readonly error: GatewayError
      readonly rateLimits: RateLimitFields | undefined
    }

/**
 * Asks for the call's permit, and waits for it if it may; a refusal is recorded. Where capacity cannot be asked, the connection's
 * policy decides.
 */
export async function obtainPermit(plane: DataPlane, call: PreparedCall, wait: Wait): Promise<Permission> {
  const { id, name, onCapacityUnavailable } = call.connection.settings
  const { model } = call.inspection
  const asked: PermitRequest = {
    connectionId: id,
    apiKeyId: call.apiKey.id,
    model,
    pool: call.pool,
    ...reservedTokens(call),
  }
  const first = await plane.permits.acquire(asked, wait)
  const outcome = first.status === 'denied' ? await acquiredWithin(plane, call, first, asked, wait) : first
  if (outcome.status === 'disconnected') {
    recordUnsent(plane, call, model, { outcome: 'aborted' })
    return { status: 'left' }
  }
  if (outcome.status === 'granted') {
    const rateLimits = rateLimitFields(outcome.windows)
    return { status: 'permitted', call: { ...call, permit: outcome.permit, rateLimits } }
  }
  if (outcome.status === 'denied') {
    recordUnsent(plane, call, model, { outcome: 'denied', deniedBy: deniedBy(outcome.denied) })
    const error = denialError(outcome.denied, name, {
      estimate: call.estimate,
      maxOutput: maxOutputOf(call),
      outputs: outputsOf(call),
    })
    return { status: 'refused', error, rateLimits: rateLimitFields(outcome.windows) }
  }
  if (onCapacityUnavailable === 'allow') {
    return {
      status: 'permitted',
      call: { ...call, permit: plane.permits.failOpen(id, model), rateLimits: undefined },
    }
  }
  const why = outcome.reason === undefined ? '' : ` (${outcome.reason})`
  const message = `Capacity for connection "${name}" is temporarily unavailable${why}.`
  const error = gatewayError('capacity_unavailable', message)
  recordUnsent(plane, call, model, { outcome: 'denied', deniedBy: error.code })
  return { status: 'refused', error, rateLimits: undefined }
}

function maxOutputOf({ inspection: { maxOutputParameter: parameter, maxOutputTokens: tokens } }: PreparedCall) {
  return parameter === undefined || tokens === undefined ? undefined : { parameter, tokens }
}

function outputsOf({ inspection: { outputs: count }, connection, translation }: PreparedCall) {
  if (count <= 1) return undefined
  const isGoogle = connection.settings.provider === 'google' && translation === undefined
  return { parameter: isGoogle ? 'generationConfig.candidateCount' : 'n', count }
}
