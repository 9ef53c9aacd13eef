import { Type } from 'typebox'
import { defineRequest } from '../define.ts'

/**
 * Reads the limits that the provider tells when it is asked, beside those that its answers tell: AWS's Service Quotas, with the role
 * of a Bedrock connection. Rejected with `not_found`; `invalid_request` for a connection to another provider; `forbidden` when AWS
 * does not let the role be assumed or read quotas; `rate_limited` or `upstream_unreachable` by AWS; `unavailable` when discovery has
 * no identity for AWS, or cannot store what it read.
 */
export const refreshDiscovered = defineRequest({
  subject: () => 'discovery.v1.refresh',
  queue: 'discovery',
  // Reading itself has twenty seconds.
  timeoutMs: 30_000,
  request: Type.Object({ connectionId: Type.String() }),
  reply: Type.Object({
    quotas: Type.Integer({ minimum: 0, description: 'Limits of calls to models that were read' }),
    changes: Type.Integer({ minimum: 0, description: 'Those that became another, or were seen for the first time' }),
    unknownModels: Type.Integer({
      minimum: 0,
      description: 'Those of a model whose id is not certain: kept under the name that the provider has for it',
    }),
    unreadable: Type.Integer({ minimum: 0, description: 'Quotas of calls to models that could not be made out' }),
  }),
})
