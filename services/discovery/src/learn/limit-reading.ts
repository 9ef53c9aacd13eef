import { type LimitSource, type RateLimitReading, type ResponseBatch, storableText } from '@sluice/contracts'
import { providerAdapter } from '@sluice/providers'

/** One limit of a connection as one response, or a list of quotas, reported it. Absent means unknown. */
export interface LimitReading {
  readonly connectionId: string
  /** The model, with the pool if the limit is that of a pool of its requests: `gpt-4.1 (flex)`. */
  readonly model: string
  /** The counted quantity, in the provider's word. */
  readonly dimension: string
  /** The time of the response, Unix milliseconds. */
  readonly seenAtMs: number
  readonly limit?: number
  readonly remaining?: number
  /** From `seenAtMs` until the whole limit is free again, whole milliseconds. */
  readonly resetMs?: number
  /** The length of the limit's window, where the provider documents it. */
  readonly periodMs?: number
  /** Absent: a response to a request. */
  readonly source?: LimitSource
}

/**
 * Returns the limits that the batch's responses reported, in their headers or in the body of a 429, in no order. A
 * response from a gateway whose clock is ahead of `nowMs` counts as of now, so that it does not outrank all later
 * ones.
 * @param onUnreadable called with each reading that has unreadable parts
 * @throws RangeError for a number that no gateway can have read
 */
export function readingsOf(
  batch: ResponseBatch,
  nowMs: number,
  onUnreadable: (reading: RateLimitReading) => void = () => undefined,
): LimitReading[] {
  const adapter = providerAdapter(batch.provider)
  // No connection has an empty id, and no bucket has a key for it.
  if (batch.connectionId === '') return []
  const connectionId = storableText(batch.connectionId, MAX_TEXT_CHARS)
  const readings: LimitReading[] = []
  for (const { model, pool, rateLimitHeaders, rateLimits = [], headersAtMs, endedAtMs } of batch.events) {
    const seenAtMs = Math.min(headersAtMs ?? endedAtMs, nowMs)
    const inHeaders = rateLimitHeaders === undefined ? [] : adapter.rateLimits(rateLimitHeaders, seenAtMs)
    if (inHeaders.length + rateLimits.length === 0) continue
    const key = { connectionId, model: storableText(limitedName(model, pool), MAX_TEXT_CHARS), seenAtMs }
    for (const reading of [...inHeaders, ...rateLimits]) {
      const { unreadable, dimension, ...numbers } = reading
      if (!isReadable(reading))
        throw new RangeError(`no limit of ${dimension.slice(0, MAX_TEXT_CHARS)} has such numbers`)
      if (unreadable !== undefined) onUnreadable(reading)
      readings.push({ ...key, dimension: storableText(dimension, MAX_TEXT_CHARS), ...numbers })
    }
  }
  return readings
}

function limitedName(model: string, pool: string | undefined): string {
  if (pool === undefined) return model
  return model === '' ? `(${pool})` : `${model} (${pool})`
}

/** As long as a model's name may be in a connection's settings. */
const MAX_TEXT_CHARS = 256
/** No provider has a limit of more than a year. */
const MAX_SPAN_MS = 366 * 86_400_000

/**
 * Returns whether its counts are exact and its durations lead to valid instants, which the schema of events leaves
 * open.
 */
function isReadable({ limit = 0, remaining = 0, resetMs = 0, periodMs = 0 }: RateLimitReading): boolean {
  return Number.isSafeInteger(limit) && Number.isSafeInteger(remaining) && Math.max(resetMs, periodMs) <= MAX_SPAN_MS
}
