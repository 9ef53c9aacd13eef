import type { RateLimitFields } from '../domain/rate-limit-fields.ts'

/** Adds to `fields` (names and values in turn) the headers that every answer has besides `x-request-id`. */
export function sluiceHeaders(
  fields: (string | string[])[],
  source: 'gateway' | 'upstream',
  connection: string | undefined,
  rateLimits: RateLimitFields | undefined,
): void {
  fields.push('x-sluice-source', source)
  if (connection !== undefined) fields.push('x-sluice-connection', connection)
  if (rateLimits !== undefined) fields.push('ratelimit-policy', rateLimits.policy, 'ratelimit', rateLimits.limits)
}
