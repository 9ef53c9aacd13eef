import type { FieldError } from '@sluice/contracts'

/**
 * What is wrong with the time, in RFC 3339, at which something is to expire. A leap second has the right format, and is no instant to
 * the clock.
 */
export function expiryErrors(expiresAt: string | null | undefined, now: Date): FieldError[] {
  const isFine = expiresAt === undefined || expiresAt === null || new Date(expiresAt) > now
  return isFine ? [] : [{ field: 'expiresAt', message: 'must be in the future' }]
}
