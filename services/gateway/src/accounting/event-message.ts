import type { ResponseEvent } from '@sluice/contracts'

/**
 * Returns how many of these events, from the first on, fit into one NATS message: at least one, at most {@link MAX_EVENTS}. Their lengths
 * differ, since applications choose the names of models and providers their headers.
 */
export function eventsOfOneMessage(events: readonly ResponseEvent[]): number {
  let count = 0
  let bytes = 0
  for (const event of events) {
    bytes += mostBytesOf(event)
    if (count === MAX_EVENTS || (count > 0 && bytes > MAX_BYTES)) break
    count++
  }
  return count
}

/** About 350 kB of usual events. */
const MAX_EVENTS = 500
/** NATS's default maximum is 1 MiB. */
const MAX_BYTES = 1_000_000
/** For the fields of bounded length. */
const COMMON_BYTES = 500

/** Returns an upper bound of the event's length as JSON, without serializing it. */
function mostBytesOf({ model, requestId, rateLimitHeaders, rateLimits }: ResponseEvent): number {
  let headerChars = requestId.length
  for (const name in rateLimitHeaders)
    headerChars += name.length + (rateLimitHeaders[name]?.length ?? 0) + QUOTING_CHARS
  const readingChars = rateLimits === undefined ? 0 : JSON.stringify(rateLimits).length
  return COMMON_BYTES + model.length * CHAR_BYTES + headerChars * HEADER_CHAR_BYTES + readingChars * UNICODE_CHAR_BYTES
}

/** For a UTF-16 code unit that may be a control character: `\u0001`. */
const CHAR_BYTES = 6
/** For a UTF-16 code unit that is no control character, or is escaped already. */
const UNICODE_CHAR_BYTES = 3
/** Header values are Latin-1 without control characters: at most an escape, or two bytes of UTF-8. */
const HEADER_CHAR_BYTES = 2
/** For the quotes, colon and comma around a name and its value. */
const QUOTING_CHARS = 6
