import { nearestName } from '@sluice/contracts'
import type { FastifyInstance } from 'fastify'

/** The methods of each path that the app has, filled as routes are added: patterns, in which `:id` stands for any segment. */
export type KnownRoutes = ReadonlyMap<string, ReadonlySet<string>>

/** Lists the routes that are added to the app from now on. */
export function listRoutes(app: FastifyInstance): KnownRoutes {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = routes.get(url) ?? new Set()
    for (const one of Array.isArray(method) ? method : [method]) methods.add(one)
    routes.set(url, methods)
  })
  return routes
}

/** Returns the methods that there are at a path, in alphabetical order; none where nothing is there. */
export function methodsAt(routes: KnownRoutes, path: string): string[] {
  const segments = path.split('/')
  const found = [...routes].filter(([pattern]) => {
    const parts = pattern.split('/')
    return (
      parts.length === segments.length && parts.every((part, i) => part === segments[i] || isFilled(part, segments[i]))
    )
  })
  return [...new Set(found.flatMap(([, methods]) => [...methods]))].sort()
}

function isFilled(part: string, segment: string | undefined): boolean {
  return part.startsWith(':') && segment !== undefined && segment !== ''
}

/** Returns what is wrong with a path at which nothing is, and where the request should go. */
export function nothingThere(method: string, path: string, routes: KnownRoutes): string {
  const what = `There is nothing at ${method} ${shownPath(path)}.`
  if (GATEWAY_PATH.test(path)) {
    return `${what} This is the admin API, for operators: the gateway, which calls providers, is at another port (8080 unless set otherwise).`
  }
  const rest = path.replace(/^\/+(?:api\/+)*(?:v1\/+)*/, '')
  const [first = '', ...others] = rest.split('/')
  const known = new Set([...routes.keys()].flatMap((pattern) => /^\/api\/v1\/([\w-]+)/.exec(pattern)?.[1] ?? []))
  const near = nearestName(first, known)
  if (near !== undefined) {
    const meant = [PREFIX, near, ...others.filter((part) => part !== '')].join('/')
    return `${what} Did you mean ${shownPath(meant)}?`
  }
  return `${what} The API is at ${PREFIX}: ${[...known].sort().join(', ')}. Its description is ${PREFIX}/openapi.json.`
}

const PREFIX = '/api/v1'
/** What applications ask for, at the gateway or a provider. */
const GATEWAY_PATH =
  /\/(?:chat\/completions|embeddings|responses|messages|models(?:\/.*)?|converse|invoke)\/?$|^\/+connections\/[^/]+\/.+/

/** A path as a message shows it: a segment that is no plain word may be a secret that slipped into it, and is not shown. */
export function shownPath(path: string): string {
  const shown = path
    .split('/')
    .map((segment) => (segment === '' || PLAIN_WORD.test(segment) ? segment : '(…)'))
    .join('/')
  return shown.length > MAX_SHOWN_CHARS ? `${shown.slice(0, MAX_SHOWN_CHARS)}…` : shown
}

/** No key is made of so few letters alone. */
const PLAIN_WORD = /^:?[A-Za-z][A-Za-z_.-]{0,30}[0-9]{0,2}$/

const MAX_SHOWN_CHARS = 100
