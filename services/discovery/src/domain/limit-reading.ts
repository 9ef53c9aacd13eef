import type { ResponseBatch } from '@sluice/contracts'
import { storableText } from '@sluice/contracts'
import { providerAdapter, type RateLimitReading } from '@sluice/providers'

/** What one answer told of one limit of a connection. Absent means unknown. */
export interface LimitReading {
  readonly connectionId: string
  readonly model: string
  /** What is counted, in the provider's word. */
  readonly dimension: string
  /** When the answer came, Unix milliseconds. */
  readonly seenAtMs: number
  readonly limit?: number
  readonly remaining?: number
  /** From `seenAtMs` until the whole limit is free again, whole milliseconds. */
  readonly resetMs?: number
  /** The length of the limit's window, where the provider documents it. */
  readonly periodMs?: number
}

/**
 * What the batch's answers told of limits, in no order. An answer from a gateway whose clock is ahead of `nowMs` counts as of
 * now, so that it does not stand above all that come after it.
 */
export function readingsOf(batch: ResponseBatch, nowMs: number): LimitReading[] {
  const adapter = providerAdapter(batch.provider)
  // No connection has an empty id, and no bucket has a key for it.
  if (adapter === undefined || batch.connectionId === '') return []
  return batch.events.flatMap(({ model, rateLimitHeaders, headersAtMs, endedAtMs }) => {
    if (rateLimitHeaders === undefined) return []
    const seenAtMs = Math.min(headersAtMs ?? endedAtMs, nowMs)
    return adapter.rateLimits(rateLimitHeaders, seenAtMs).map((reading) => ({
      connectionId: storableText(batch.connectionId, MAX_TEXT_CHARS),
      model: storableText(model, MAX_TEXT_CHARS),
      dimension: storableText(reading.dimension, MAX_TEXT_CHARS),
      seenAtMs,
      ...credible(reading),
    }))
  })
}

/** As long as a model's name may be in a connection's settings. */
const MAX_TEXT_CHARS = 256
const MAX_RESET_MS = 366 * 86_400_000

/** The reading's numbers without those that no provider can mean. */
function credible({ limit, remaining, resetMs, periodMs }: RateLimitReading): Partial<LimitReading> {
  return {
    ...(isCount(limit) ? { limit } : {}),
    ...(isCount(remaining) ? { remaining } : {}),
    ...(isCount(resetMs) && resetMs <= MAX_RESET_MS ? { resetMs } : {}),
    ...(isCount(periodMs) && periodMs > 0 ? { periodMs } : {}),
  }
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}
