import type { ResponseEvent } from '@sluice/contracts'

/**
 * How many of these events, from the first on, one message surely holds: one at least, {@link MAX_EVENTS} at most. Applications choose
 * the names of models, and providers their headers, so that they are not all of one length.
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

/** About 350 kB, as events usually are. */
const MAX_EVENTS = 500
/** NATS takes messages of 1 MiB, unless it is told otherwise. */
const MAX_BYTES = 1_000_000
/** Of all that is as long in every event. */
const COMMON_BYTES = 500

/** Not less than the event has as JSON, at hardly any cost. */
function mostBytesOf({ model, requestId, rateLimitHeaders, rateLimits }: ResponseEvent): number {
  let headerChars = requestId.length
  for (const name in rateLimitHeaders)
    headerChars += name.length + (rateLimitHeaders[name]?.length ?? 0) + QUOTING_CHARS
  const readingChars = rateLimits === undefined ? 0 : JSON.stringify(rateLimits).length
  return COMMON_BYTES + model.length * CHAR_BYTES + headerChars * HEADER_CHAR_BYTES + readingChars * UNICODE_CHAR_BYTES
}

/** Of a UTF-16 code unit that is a control character: `\u0001`. */
const CHAR_BYTES = 6
/** Of one that is not, or is escaped already. */
const UNICODE_CHAR_BYTES = 3
/** Header values are Latin-1 without control characters: at most escaped, or two bytes of UTF-8. */
const HEADER_CHAR_BYTES = 2
/** Around a name and its value: quotes, a colon and a comma. */
const QUOTING_CHARS = 6
