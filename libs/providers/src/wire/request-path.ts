/**
 * Returns a path as the provider reads it: escapes resolved, empty segments and the trailing slash removed. Decide by
 * this and not by the spelling what a path means: `/v1/%6Dessages` is the same operation as `/v1/messages`. Undefined
 * where an escape is not UTF-8, or for dot segments.
 */
export function decodedPath(path: string): string | undefined {
  if (!NOT_CANONICAL.test(path)) return path
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return undefined
  }
  const segments = decoded.split('/').filter((segment) => segment !== '')
  if (segments.some((segment) => segment === '.' || segment === '..')) return undefined
  return `/${segments.join('/')}`
}

/** An escape, an empty segment, a segment that begins with a dot, a trailing slash, or no leading slash. */
const NOT_CANONICAL = /%|\/\/|\/\.|[^/]\/$|^[^/]|^$/

/** The layout of a provider's paths, as far as an application's base URL can get it wrong. */
export interface PathLayout {
  /** The prefix of every path, such as `/openai/v1`. A base URL may repeat its segments, or lack some. */
  readonly root: string
  /** The known first segments after the root: the root is corrected only in front of one of these. */
  readonly resources: ReadonlySet<string>
  /** Whether a trailing slash has no meaning for a path after the root; absent: for none has it one. */
  readonly isWithoutSlash?: (rest: string) => boolean
}

/**
 * Corrects a path whose root is repeated or missing because of the application's base URL (`/v1/v1/messages`,
 * `/messages`), and drops empty segments and a trailing slash. Every decision about the request uses the returned path,
 * and that is the path sent to the provider: no request is admitted under one reading and executed under another.
 * Returns any other path unchanged, including one with escapes before its resource.
 */
export function correctedPath(path: string, layout: PathLayout): string {
  const { root, resources } = layout
  if (hasRoot(path, root, resources)) return path
  const segments = path.split('/').filter((segment) => segment !== '')
  const parts = root.split('/').slice(1)
  const first = segments.findIndex((segment) => !parts.includes(segment))
  if (first < 0 || first > MAX_ROOT_SEGMENTS || !resources.has(segments[first] ?? '')) return path
  const rest = `/${segments.slice(first).join('/')}`
  const isSlashKept = path.endsWith('/') && layout.isWithoutSlash?.(rest) === false
  return isSlashKept ? `${root}${rest}/` : root + rest
}

/** Checks most paths without splitting them. */
function hasRoot(path: string, root: string, resources: ReadonlySet<string>): boolean {
  if (!path.startsWith(root) || path[root.length] !== '/' || path.endsWith('/') || path.includes('//')) return false
  const start = root.length + 1
  const end = path.indexOf('/', start)
  return resources.has(end < 0 ? path.slice(start) : path.slice(start, end))
}

/** Most segments of a repeated root that are still treated as a mistake. */
const MAX_ROOT_SEGMENTS = 8

/**
 * Returns whether a decoded path consists of characters of names and ids only, so that every server reads it alike.
 * Only such a path can be known to run nothing.
 */
export function isPlainPath(path: string): boolean {
  return PLAIN.test(path)
}

const PLAIN = /^[\w/.:@~-]*$/

/** Returns whether requests of this method run nothing: they read or delete. */
export function isRead(method: string): boolean {
  return READS.has(method)
}

const READS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS'])
