/** The part of a URL after the connection's name: the provider's own path and query. */
export interface ProviderTarget {
  /** Begins with a slash. */
  readonly path: string
  /** The query without the question mark; '' if there is none. */
  readonly query: string
}

/**
 * Returns the provider's part of `/connections/{name}/…`, byte for byte as it was sent. Undefined where it has dot segments or
 * backslashes, with which a path could leave the provider's base URL, however often they are escaped: each server on the way may resolve
 * one level of escapes.
 */
export function providerTarget(url: string): ProviderTarget | undefined {
  const start = url.indexOf('/', PREFIX_LENGTH)
  const questionMark = url.indexOf('?', PREFIX_LENGTH)
  const end = questionMark < 0 ? url.length : questionMark
  if (start < 0 || start >= end) return undefined
  const path = url.slice(start, end)
  if (LEAVES_ITS_PLACE.test(path)) return undefined
  return { path, query: questionMark < 0 ? '' : url.slice(questionMark + 1) }
}

const PREFIX_LENGTH = '/connections/'.length
const LEAVES_ITS_PLACE =
  /\\|%(?:25)*5c|(?:\/|%(?:25)*2f)(?:\.|%(?:25)*2e){1,2}(?:[/;]|%(?:25)*(?:2f|3b|3f|23|20|09|0a|0d|00)|$)/i
