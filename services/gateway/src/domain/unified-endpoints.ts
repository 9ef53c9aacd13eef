/** What the unified endpoint offers, by path. */
export const UNIFIED_ENDPOINTS = [
  { method: 'POST', path: '/v1/chat/completions' },
  { method: 'POST', path: '/v1/embeddings' },
  { method: 'GET', path: '/v1/models' },
] as const

/**
 * Says of a request below `/v1` that is no endpoint's what there is instead.
 * @param url the request's, with its query
 */
export function notOffered(method: string, url: string): string {
  const [path = ''] = url.split('?', 1)
  const shown = path.length > MAX_SHOWN_CHARS ? `${path.slice(0, MAX_SHOWN_CHARS)}…` : path
  const known = UNIFIED_ENDPOINTS.find((endpoint) => endpoint.path === path.replace(/\/+$/, ''))
  if (known !== undefined && known.method !== method) return `${known.path} takes ${known.method}, not ${method}.`
  const meant = UNIFIED_ENDPOINTS.find((endpoint) => endpoint.path === path.replace(/^(?:\/v1)+\//, '/v1/'))
  if (meant !== undefined && meant.path !== path) {
    return `${shown} has "/v1" more than once: the base URL ends with one, so that the path is ${meant.path}.`
  }
  return (
    `${method} ${shown} is not offered here: the unified endpoints are ${OFFERED}. ` +
    `For all else, use a connection's own API, at /connections/NAME${shown} where its provider has that path.`
  )
}

const OFFERED = UNIFIED_ENDPOINTS.map(({ method, path }) => `${method} ${path}`)
  .join(', ')
  .replace(/, ([^,]*)$/, ' and $1')
/** Callers choose the paths. */
const MAX_SHOWN_CHARS = 100
