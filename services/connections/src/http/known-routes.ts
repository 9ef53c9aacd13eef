import { nearestName } from '@sluice/contracts'
import type { FastifyInstance } from 'fastify'

/** The methods of each path of the app, filled as routes are added: patterns, in which `:id` stands for any segment. */
export type KnownRoutes = ReadonlyMap<string, ReadonlySet<string>>

/** Returns the routes that are added to the app from now on. */
export function listRoutes(app: FastifyInstance): KnownRoutes {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = routes.get(url) ?? new Set()
    for (const each of Array.isArray(method) ? method : [method]) methods.add(each)
    routes.set(url, methods)
  })
  return routes
}

/** Returns the methods of a path, in alphabetical order; none when it matches no route. */
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

/** Returns the error message for a path without a route, with the path that was probably meant. */
export function noRouteMessage(method: string, path: string, routes: KnownRoutes): string {
  const what = `There is nothing at ${method} ${shownPath(path)}.`
  if (GATEWAY_PATH.test(path)) {
    return `${what} This is the admin API, for operators. The gateway, which calls providers, has another port (8080 by default).`
  }
  const rest = path.replace(/^\/+(?:api\/+)*(?:v1\/+)*/, '')
  const [first = rest, ...others] = rest.split('/')
  const known = new Set([...routes.keys()].flatMap((pattern) => /^\/api\/v1\/([\w-]+)/.exec(pattern)?.[1] ?? []))
  const near = nearestName(first, known)
  if (near !== undefined) {
    const meant = [PREFIX, near, ...others.filter((part) => part !== '')].join('/')
    return `${what} Did you mean ${shownPath(meant)}?`
  }
  return `${what} The API is at ${PREFIX}: ${[...known].sort().join(', ')}. It is described at ${PREFIX}/openapi.json.`
}

const PREFIX = '/api/v1'
/** Paths of the gateway and of providers, which applications use. */
const GATEWAY_PATH =
  /\/(?:chat\/completions|embeddings|responses|messages|models(?:\/.*)?|converse|invoke)\/?$|^\/+connections\/[^/]+\/.+/

/**
 * Returns a path for a message. A segment that is not a plain word may be a secret that was pasted by mistake, and is
 * left out.
 */
export function shownPath(path: string): string {
  const shown = path
    .split('/')
    .map((segment) => (segment === '' || PLAIN_WORD.test(segment) ? segment : '(…)'))
    .join('/')
  return shown.length > MAX_SHOWN_CHARS ? `${shown.slice(0, MAX_SHOWN_CHARS)}…` : shown
}

/** No key consists of so few letters only. */
const PLAIN_WORD = /^:?[A-Za-z][A-Za-z_.-]{0,30}[0-9]{0,2}$/

const MAX_SHOWN_CHARS = 100
