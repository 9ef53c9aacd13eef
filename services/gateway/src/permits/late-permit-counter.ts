import { counter, type Logger } from '@sluice/service-kit'

/** Counts permits and permit batches that came too late to be used, and warns about them. */
export interface LatePermitCounter {
  /** Counts permits that came back from capacity `lateMs` too late: it is far away, or it or NATS is slow. */
  countLate(connectionId: string, permits: number, lateMs: number): void
  /** Counts a permit that expired before its request could depart: connecting to the provider is slow, or this process is. */
  countExpired(connectionId: string): void
  /** Counts a permit batch that was too old to be applied when it reached capacity. */
  countStaleBatch(connectionId: string): void
}

/** Late permits are refunded and acquired again, which costs latency and, if it persists, requests. */
export function latePermitCounter(logger: Pick<Logger, 'warn'>, monotonicMs: () => number): LatePermitCounter {
  const late = counter(
    'permits.late',
    'Permits that came too late to be used and were refunded, and permit batches too old to be applied.',
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
    countLate: (connectionId, permits, lateMs) =>
      count(permits, 'Permits came too late to be used. NATS or the capacity service is far away or slow.', {
        connectionId,
        lateMs: Math.round(lateMs),
      }),
    countExpired: (connectionId) =>
      count(
        1,
        'A permit expired before its request could depart. Connecting to the provider is slow, or this process is.',
        { connectionId },
      ),
    countStaleBatch: (connectionId) =>
      count(1, 'A permit batch reached capacity too late to be applied. Its contents are sent again.', {
        connectionId,
      }),
  }
}

const WARNING_INTERVAL_MS = 30_000
