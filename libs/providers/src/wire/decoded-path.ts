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
