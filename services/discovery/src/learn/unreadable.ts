import type { RateLimitReading, ResponseBatch, UnreadableCount } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'

/** Counts unreadable parts of rate limits by provider, dimension and part. */
export class UnreadableTally {
  readonly #counts = new Map<string, UnreadableCount>()

  count(provider: ResponseBatch['provider'], { dimension: reported, unreadable = [] }: RateLimitReading): void {
    for (const part of unreadable) {
      const dimension = reported.slice(0, MAX_DIMENSION_CHARS)
      const key = `${provider}\0${dimension}\0${part}`
      const known = this.#counts.get(key)
      if (known !== undefined) known.responses++
      else if (this.#counts.size < MAX_COUNTS) this.#counts.set(key, { provider, dimension, part, responses: 1 })
    }
  }

  /** In no order. */
  counts(): UnreadableCount[] {
    return [...this.#counts.values()].map((count) => ({ ...count }))
  }
}

/** A provider has a handful of dimensions. More than these are noise, and would not fit into a message. */
const MAX_COUNTS = 500
const MAX_DIMENSION_CHARS = 100

/** Logs unreadable rate limits: the first, then at most one a minute. */
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
    logger.warn(
      { provider, dimension, unreadable, readings },
      'a rate limit cannot be read; its unreadable parts count as unknown',
    )
  }
}

const QUIET_MS = 60_000
