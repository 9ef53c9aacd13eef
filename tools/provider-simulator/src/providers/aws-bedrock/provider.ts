import type { SimulatedProvider } from '../simulated-provider.ts'
import { assumeRole } from './assume-role.ts'
import { converseRoutes } from './converse.ts'
import { errorResponse } from './errors.ts'
import { failure } from './failures.ts'
import { headers } from './headers.ts'
import { invokeRoutes } from './invoke.ts'
import { listServiceQuotas } from './list-service-quotas.ts'
import { quotaError } from './quota-errors.ts'
import { type SessionApi, sessionCaller } from './session-caller.ts'
import { Sessions } from './sessions.ts'
import { stsCaller } from './sts-caller.ts'

/**
 * AWS Bedrock's runtime (https://docs.aws.amazon.com/bedrock/latest/APIReference), at `/` the STS that hands out credentials
 * for it, and at `/service-quotas/` what lists its quotas. Each simulator knows its own sessions only.
 */
export function createAwsBedrock(): SimulatedProvider {
  const sessions = new Sessions()
  const sts = assumeRole(sessions)
  return {
    routes: [sts, listServiceQuotas, ...converseRoutes, ...invokeRoutes],
    identify: (request, accounts) => {
      if (request.path === sts.path) return stsCaller(request, accounts)
      return sessionCaller(request, accounts, sessions, request.path === listServiceQuotas.path ? QUOTAS : RUNTIME)
    },
    headers,
    failure,
  }
}

const RUNTIME: SessionApi = {
  service: 'bedrock',
  refusal: (type, message) => errorResponse(403, { type, message }),
}

const QUOTAS: SessionApi = {
  service: 'servicequotas',
  refusal: (type, message) => quotaError(400, type, message),
}
