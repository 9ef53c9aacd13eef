import type { RateLimitReading, ResponseBatch } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'

/** Logs that something could not be read: the first, and then at most one a minute. */
export function unreadableLog(
  logger: Pick<Logger, 'warn'>,
  nowMs: () => number,
): (provider: ResponseBatch['provider'], reading: RateLimitReading) => void {
  let readings = 0
  let quietUntilMs = Number.NEGATIVE_INFINITY
  return (provider, { dimension, unreadable }) => {
    readings++
    if (nowMs() < quietUntilMs) return
    quietUntilMs = nowMs() + QUIET_MS
    logger.warn({ provider, dimension, unreadable, readings }, 'a rate limit cannot be read; what cannot is unknown')
  }
}

const QUIET_MS = 60_000
