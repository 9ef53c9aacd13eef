import { METRICS, PERIOD_MS } from '@sluice/contracts'
import { gatewayError } from '../http/gateway-error.ts'
import { denialError, deniedBy } from '../permits/denial.ts'
import type { PermitRequest, Permits, Wait } from '../permits/permit.ts'
import { rateLimitFields } from '../permits/rate-limit-fields.ts'
import { reservedTokens, reservedWithin } from '../permits/reservation.ts'
import { type Ended, ok, type Result } from '../result.ts'
import type { PermittedCall, PreparedCall } from './call.ts'

export interface PermitDeps {
  readonly permits: Permits
}

/**
 * Acquires the call's permit, and waits for it as long as it may. If capacity is unavailable, the connection's `onCapacityUnavailable`
 * decides.
 */
export async function obtainPermit(
  { permits }: PermitDeps,
  call: PreparedCall,
  wait: Wait,
): Promise<Result<PermittedCall>> {
  const { id, onCapacityUnavailable } = call.connection.settings
  const { model } = call.inspection
  const request: PermitRequest = {
    connectionId: id,
    apiKeyId: call.apiKey.id,
    model,
    pool: call.pool,
    ...reservedTokens(call),
  }
  const first = await permits.acquire(request, wait)
  const outcome = first.status === 'denied' ? await acquiredWithin(permits, call, first, request, wait) : first
  switch (outcome.status) {
    case 'disconnected':
      return { status: 'aborted' }
    case 'granted':
      return ok({ ...call, permit: outcome.permit, rateLimits: rateLimitFields(outcome.windows) })
    case 'denied':
      return denial(call, outcome)
    case 'unavailable':
      return onCapacityUnavailable === 'allow'
        ? ok({ ...call, permit: permits.failOpen(id, model), rateLimits: undefined })
        : unavailable(call, outcome.reason)
  }
}

type Acquired = Awaited<ReturnType<Permits['acquire']>>
type Denied = Extract<Acquired, { readonly status: 'denied' }>

/** Acquires less than was denied if the provider may count less than the whole against one of its limits. Returns the last outcome. */
async function acquiredWithin(
  permits: Permits,
  { connection: { adapter } }: PreparedCall,
  denial: Denied,
  refused: PermitRequest,
  wait: Wait,
): Promise<Acquired> {
  let request = refused
  let outcome: Acquired = denial
  for (let attempt = 1; attempt <= MAX_TOKEN_LIMITS && outcome.status === 'denied'; attempt++) {
    const within = reservedWithin(request, outcome.denied, adapter)
    if (within === undefined) return outcome
    request = { ...request, ...within }
    outcome = await permits.acquire(request, wait)
  }
  return outcome
}

/** Every limit on tokens, of each kind in each period, may be too small once. */
const MAX_TOKEN_LIMITS = METRICS.filter((metric) => metric !== 'requests').length * Object.keys(PERIOD_MS).length

function denial(call: PreparedCall, { denied, windows }: Denied): Ended {
  const requested = { estimate: call.estimate, maxOutput: maxOutputOf(call), outputs: outputsOf(call) }
  const error = denialError(denied, call.connection.settings.name, requested)
  return { status: 'refused', error, deniedBy: deniedBy(denied), rateLimits: rateLimitFields(windows) }
}

function unavailable({ connection: { settings } }: PreparedCall, reason: string | undefined): Ended {
  const why = reason === undefined ? '' : ` (${reason})`
  const message = `Capacity for connection "${settings.name}" is temporarily unavailable${why}.`
  const error = gatewayError('capacity_unavailable', message)
  return { status: 'refused', error, deniedBy: error.code }
}

function maxOutputOf({ inspection: { maxOutputParameter: parameter, maxOutputTokens: tokens } }: PreparedCall) {
  return parameter === undefined || tokens === undefined ? undefined : { parameter, tokens }
}

function outputsOf({ inspection: { outputs: count }, connection, translation }: PreparedCall) {
  if (count <= 1) return undefined
  const isGoogle = connection.settings.provider === 'google' && translation === undefined
  return { parameter: isGoogle ? 'generationConfig.candidateCount' : 'n', count }
}
