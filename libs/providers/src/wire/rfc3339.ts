/**
 * The instant of an RFC 3339 date-time, Unix milliseconds. Undefined where the text is none.
 * @see RFC 3339, section 5.6
 */
export function parseRfc3339(text: string): number | undefined {
  if (!DATE_TIME.test(text)) return undefined
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : atMs
}

const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/i
