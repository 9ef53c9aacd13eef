import type { HeaderFields } from '../domain/header-fields.ts'
import type { RateLimitFields } from '../domain/rate-limit-fields.ts'

/** Adds to `fields` the headers that every answer has besides `x-request-id`. */
export function sluiceHeaders(
  fields: HeaderFields,
  source: 'gateway' | 'upstream',
  connection: string | undefined,
  rateLimits: RateLimitFields | undefined,
): void {
  fields.push('x-sluice-source', source)
  if (connection !== undefined) fields.push('x-sluice-connection', connection)
  if (rateLimits !== undefined) fields.push('ratelimit-policy', rateLimits.policy, 'ratelimit', rateLimits.limits)
}
