import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '@sluice/service-kit'
import type { UnifiedDeps } from '../translation/forward-unified-call.ts'
import { gatewayError } from './gateway-error.ts'
import { forgivenUrl } from './path-hints.ts'
import { endWithFault, writeError } from './write-error.ts'

/** What the routes that lead to providers need. */
export interface DataRoutesOptions {
  readonly dataPlane: UnifiedDeps
  readonly logger: Logger
  /** Of a body that is held in memory to be looked into. */
  readonly maxBodyBytes: number
  /** Of a body that is streamed on. */
  readonly maxUploadBytes: number
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** What providers' APIs are called with. Nothing else is routed: no `TRACE`, which shows a request's headers to its sender. */
export const CALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/**
 * Stands between the servers of HTTP/1.1 and HTTP/2 and the routes. A method that is not in {@link CALL_METHODS} is refused, in the
 * format of the provider whose connection the path names. What the routes throw ends the one request that it was thrown for:
 * thrown in a server's event, it would end the process.
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
