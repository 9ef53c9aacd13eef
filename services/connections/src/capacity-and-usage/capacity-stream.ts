import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import type { OtherServices } from '../bus/other-services.ts'
import type { ConnectionStore } from '../connections/connection-store.ts'
import { ConnectionParams, findConnection } from '../connections/find-connections.ts'
import { DatabaseUnreachableError } from '../database/database.ts'
import { isStillAuthenticated, operatorOf } from '../http/authentication.ts'
import type { Routes } from '../http/routes.ts'
import type { SignInDeps } from '../operators/sign-in.ts'

export interface CapacityStreamDeps extends SignInDeps {
  readonly connections: ConnectionStore
  readonly otherServices: OtherServices
  readonly logger: Logger
}

/**
 * `GET /connections/{id}/capacity/stream`: the connection's capacity as server-sent events, once a second until the
 * client disconnects, its token or session is no longer valid, the connection is deleted, or the service stops.
 * `capacity` carries the response body of `…/capacity`; `unavailable` that the capacity is temporarily unavailable;
 * `deleted` is the last event.
 *
 * The operator is authenticated again before each event. While the database is unreachable, which keeps it from saying
 * who is still valid, the stream goes on; any other failure ends it.
 */
export function capacityStreamRoute(deps: CapacityStreamDeps): Routes {
  const { connections, otherServices, logger } = deps
  return (app) => {
    const streams = createStreamLimit()
    app.addHook('preClose', async () => {
      for (const response of streams.open()) response.end()
    })

    app.get(
      '/connections/:id/capacity/stream',
      {
        // HEAD would wait for the end of an endless response.
        exposeHeadRoute: false,
        schema: {
          tags: ['capacity and usage'],
          description:
            'Server-sent events, once a second: `capacity`, `unavailable`, and `deleted` as the last. At most 20 streams per operator token with its sessions, and 100 in all.',
          params: ConnectionParams,
          produces: ['text/event-stream'],
        },
      },
      async (request, reply) => {
        const { id } = await findConnection(connections, request.params.id)
        const { tokenId } = operatorOf(request)
        streams.requireRoom(tokenId)
        reply.hijack()
        const { raw: response } = reply
        // If the client disconnected while the connection was looked up, `close` has been emitted already.
        if (response.destroyed) return
        streams.add(response, tokenId)
        try {
          response.writeHead(200, { ...STREAM_HEADERS, 'x-request-id': request.id })
          await sendEvents(response, {
            next: () => nextEvent(otherServices, id),
            mayGoOn: () => isStillAllowed(() => isStillAuthenticated(deps, request)),
          })
        } catch (error) {
          logger.error({ err: error, requestId: request.id, connectionId: id }, 'a capacity stream has failed')
        } finally {
          streams.remove(response)
          response.end()
        }
      },
    )
  }
}

/**
 * Counts the open streams, and which operator token each belongs to: a session counts as the token that it was started
 * with.
 */
function createStreamLimit() {
  const tokenIds = new Map<ServerResponse, string>()
  return {
    open: () => tokenIds.keys(),
    add: (response: ServerResponse, tokenId: string): void => {
      tokenIds.set(response, tokenId)
      response.once('close', () => tokenIds.delete(response))
    },
    remove: (response: ServerResponse) => tokenIds.delete(response),
    /** @throws SluiceError `rate_limited` */
    requireRoom: (tokenId: string): void => {
      if (tokenIds.size >= MAX_STREAMS) {
        throw rateLimited(`There are ${MAX_STREAMS} open capacity streams, the maximum.`)
      }
      let own = 0
      for (const each of tokenIds.values()) if (each === tokenId) own++
      if (own < MAX_STREAMS_PER_TOKEN) return
      throw rateLimited(
        `This operator token has ${MAX_STREAMS_PER_TOKEN} open capacity streams, the maximum for a token with its sessions.`,
      )
    },
  }
}

interface StreamEvent {
  readonly event: 'capacity' | 'unavailable' | 'deleted'
  readonly data: object
}

interface EventSource {
  readonly next: () => Promise<StreamEvent>
  readonly mayGoOn: () => Promise<boolean>
}

async function sendEvents(response: ServerResponse, { next, mayGoOn }: EventSource): Promise<void> {
  const isOver = () => response.writableEnded || response.destroyed
  while (!isOver()) {
    const { event, data } = await next()
    if (!(await mayGoOn()) || isOver()) return
    // A client that does not read gets no more events until it does.
    if (!response.writableNeedDrain) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    if (event === 'deleted') return
    await delay(INTERVAL_MS)
  }
}

async function nextEvent(otherServices: OtherServices, connectionId: string): Promise<StreamEvent> {
  try {
    return { event: 'capacity', data: await otherServices.capacity(connectionId) }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const event = error.code === 'connection_not_found' ? 'deleted' : 'unavailable'
    return { event, data: { code: error.code, message: error.message } }
  }
}

/** Returns true while the database is unreachable. @throws whatever else authentication throws */
async function isStillAllowed(authenticate: () => Promise<boolean>): Promise<boolean> {
  try {
    return await authenticate()
  } catch (error) {
    if (error instanceof DatabaseUnreachableError) return true
    throw error
  }
}

function rateLimited(reason: string): SluiceError {
  return new SluiceError('rate_limited', `${reason} Close one, or try again later.`)
}

const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // A kept-alive connection whose stream ends just as the service stops would keep it from stopping until the client gives it up.
  connection: 'close',
} as const
const INTERVAL_MS = 1_000
/** Each calls the capacity service and the database once a second. */
const MAX_STREAMS = 100
/** So that one operator cannot use up all of them. */
const MAX_STREAMS_PER_TOKEN = 20
