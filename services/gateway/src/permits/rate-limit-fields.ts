import { PERIOD_MS, type WindowState } from '@sluice/contracts'

export interface RateLimitFields {
  /** The value of `RateLimit-Policy`: each limit with its quota and window. */
  readonly policy: string
  /** The value of `RateLimit`: what remains of each limit, and in how many seconds it is reset. */
  readonly limits: string
}

/**
 * Returns a connection's limits as header fields; undefined if it has none.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-10
 */
export function rateLimitFields(windows: readonly WindowState[]): RateLimitFields | undefined {
  if (windows.length === 0) return undefined
  let policy = ''
  let limits = ''
  for (const { period, metric, limit, remaining, resetMs } of windows) {
    const separator = policy === '' ? '' : ', '
    policy += `${separator}"${period}-${metric}";q=${limit};w=${PERIOD_MS[period] / 1_000}`
    limits += `${separator}"${period}-${metric}";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`
  }
  return { policy, limits }
}
