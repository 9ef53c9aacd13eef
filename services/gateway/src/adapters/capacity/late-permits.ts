import { counter, type Logger } from '@sluice/service-kit'

/** Counts permits and exchanges that were too old to be used, and warns of them. */
export interface LatePermits {
  /** Some came back from capacity too late, by so much: the counters are far, or their service or NATS is slow. */
  tooOld(connectionId: string, permits: number, lateMs: number): void
  /** One was too old when its request could leave: connecting to the provider is slow, or this process is. */
  expired(connectionId: string): void
  /** An exchange was too old to be applied when it reached capacity. */
  stale(connectionId: string): void
}

/** Each is given back and asked for again, which costs latency and, where it lasts, requests. */
export function latePermits(logger: Pick<Logger, 'warn'>, monotonicMs: () => number): LatePermits {
  const late = counter(
    'permits.late',
    'Permits that were too old to be used and were given back, and exchanges too old to be applied.',
  )
  late.add(0)
  let warnAgainAtMs = 0
  let sinceWarning = 0

  const count = (permits: number, message: string, details: object): void => {
    late.add(permits)
    sinceWarning += permits
    const nowMs = monotonicMs()
    if (nowMs < warnAgainAtMs) return
    logger.warn({ permits: sinceWarning, ...details }, message)
    warnAgainAtMs = nowMs + WARNING_INTERVAL_MS
    sinceWarning = 0
  }

  return {
    tooOld: (connectionId, permits, lateMs) =>
      count(permits, 'Permits came too late to be used. NATS or the capacity service is far away or slow.', {
        connectionId,
        lateMs: Math.round(lateMs),
      }),
    expired: (connectionId) =>
      count(
        1,
        'A permit expired before its request could leave. Connecting to the provider is slow, or this process is.',
        { connectionId },
      ),
    stale: (connectionId) =>
      count(1, 'An exchange reached capacity too late to be applied. What it carried is sent again.', { connectionId }),
  }
}

const WARNING_INTERVAL_MS = 30_000
