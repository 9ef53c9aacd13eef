/**
 * The path as a provider understands it: escapes resolved, empty segments and a slash at the end left out. By this, not by
 * its spelling, a path's meaning is to be told, or `/v1/%6Dessages` would be another operation than `/v1/messages`.
 * Undefined where an escape is no UTF-8, or the path has dot segments.
 */
export function decodedPath(path: string): string | undefined {
  if (!MAY_BE_UNDERSTOOD_OTHERWISE.test(path)) return path
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

/** An escape, an empty segment, one that begins with a dot, or no slash where one is to be. */
const MAY_BE_UNDERSTOOD_OTHERWISE = /%|\/\/|\/\.|[^/]\/$|^[^/]|^$/

/** What a provider's paths look like, as far as an application's base URL can get it wrong. */
export interface PathLayout {
  /** What every path begins with, as `/openai/v1`. A base URL may repeat its segments, or lack some. */
  readonly root: string
  /** The first segments after the root that are known: only before one of these is a root put right. */
  readonly resources: ReadonlySet<string>
  /** The paths after the root at whose end a slash means nothing; all if absent. */
  readonly isWithoutSlash?: (rest: string) => boolean
}

/**
 * Puts right a path whose root is there too often or too little because of the application's base URL (`/v1/v1/messages`, `/messages`),
 * and drops empty segments and a slash at the end. Whatever is decided of a request is decided by the path that is returned, and that
 * path is what the provider gets: no request passes under one reading and acts under another. A path that is not clearly one of these
 * mistakes, and one that is written with escapes before its resource, is returned as it is.
 */
export function forgivenPath(path: string, layout: PathLayout): string {
  const { root, resources } = layout
  if (isRight(path, root, resources)) return path
  const segments = path.split('/').filter((segment) => segment !== '')
  const parts = root.split('/').slice(1)
  const first = segments.findIndex((segment) => !parts.includes(segment))
  if (first < 0 || first > MAX_ROOT_SEGMENTS || !resources.has(segments[first] ?? '')) return path
  const rest = `/${segments.slice(first).join('/')}`
  const isSlashKept = path.endsWith('/') && layout.isWithoutSlash?.(rest) === false
  return isSlashKept ? `${root}${rest}/` : root + rest
}

/** Most paths: looked at without being taken apart. */
function isRight(path: string, root: string, resources: ReadonlySet<string>): boolean {
  if (!path.startsWith(root) || path[root.length] !== '/' || path.endsWith('/') || path.includes('//')) return false
  const start = root.length + 1
  const end = path.indexOf('/', start)
  return resources.has(end < 0 ? path.slice(start) : path.slice(start, end))
}

/** Of a root that is there too often: more is no mistake that anybody makes. */
const MAX_ROOT_SEGMENTS = 8

/**
 * Whether a decoded path has only what names and ids are made of, so that no server can read another path in it. Only of such a path
 * can it be known that it runs nothing.
 */
export function isPlainPath(path: string): boolean {
  return PLAIN.test(path)
}

const PLAIN = /^[\w/.:@~-]*$/

/** Whether a request of this method makes nothing run: it reads, or takes away. */
export function isRead(method: string): boolean {
  return READS.has(method)
}

const READS: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS'])
