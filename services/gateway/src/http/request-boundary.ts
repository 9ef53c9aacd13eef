import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '@sluice/service-kit'
import type { UnifiedDeps } from '../translation/forward-unified-call.ts'
import { gatewayError } from './gateway-error.ts'
import { forgivenUrl } from './path-hints.ts'
import { endWithFault, writeError } from './write-error.ts'

/** The collaborators and limits of the routes that lead to providers. */
export interface DataRoutesOptions {
  readonly dataPlane: UnifiedDeps
  readonly logger: Logger
  /** The most bytes of a body that is held in memory to be inspected. */
  readonly maxBodyBytes: number
  /** The most bytes of a body that is streamed on. */
  readonly maxUploadBytes: number
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** The methods with which providers' APIs are called. No other is routed: `TRACE` would show a request's headers to its sender. */
export const CALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Stands between the servers of HTTP/1.1 and HTTP/2 and the routes. A method that is not in {@link CALL_METHODS} is refused, in the
 * format of the provider whose connection the path names. An exception in a route ends only the request that it was thrown for: thrown in a
 * server's event, it would end the process.
 */
export function requestBoundary(
  route: RequestHandler,
  { dataPlane, logger }: Pick<DataRoutesOptions, 'dataPlane' | 'logger'>,
): RequestHandler {
  return (request, response) => {
    try {
      // Before anything reads it, so that everything reads the same.
      if (request.url !== undefined) request.url = forgivenUrl(request.url)
      if (METHODS.has(request.method)) route(request, response)
      else refuseMethod(dataPlane, request, response)
    } catch (err) {
      const requestId = randomUUID()
      logger.error({ err, requestId }, 'request failed')
      endWithFault(response, { requestId })
    }
  }
}

const METHODS: ReadonlySet<string | undefined> = new Set(CALL_METHODS)

function refuseMethod(
  { connections }: DataRoutesOptions['dataPlane'],
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const name = CONNECTION_PATH.exec(request.url ?? '')?.[1]
  const connection = name === undefined ? undefined : connections.byName(name)
  const message = `There is no operation with the method ${request.method}: the gateway takes ${CALL_METHODS.join(', ')}.`
  writeError(response, gatewayError('unsupported_operation', message), { requestId: randomUUID(), connection })
}

const CONNECTION_PATH = /^\/connections\/([^/?]+)\//
