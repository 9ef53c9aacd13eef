import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '@sluice/contracts'
import { ConnectionParams } from '../connections/connection-routes.ts'
import { findConnection } from '../connections/find-connections.ts'
import type { ApplicationDeps } from '../deps.ts'
import { isStillGood, operatorOf } from '../http/authentication.ts'
import type { Routes } from '../http/routes.ts'
import type { Insights } from './insights.ts'

/**
 * `GET /connections/{id}/capacity/stream`: the connection's capacity as server-sent events, once a second until the client goes
 * away, its token or session is no longer good, the connection is deleted, or the service stops. `capacity` carries what
 * `…/capacity` answers; `unavailable`, that nobody could tell it just now; `deleted` is the last.
 */
export function capacityStreamRoute(deps: ApplicationDeps, insights: Insights): Routes {
  const { logger } = deps
  return (app) => {
    /** With the token of each one's operator: a session counts as the token that it was begun with. */
    const open = new Map<ServerResponse, string>()
    app.addHook('preClose', async () => {
      for (const response of open.keys()) response.end()
    })
    const requireRoom = (tokenId: string): void => {
      if (open.size >= MAX_STREAMS) {
        throw rateLimited(`There are ${MAX_STREAMS} streams of capacities open, the most there may be.`)
      }
      let own = 0
      for (const each of open.values()) if (each === tokenId) own++
      if (own < MAX_STREAMS_OF_OPERATOR) return
      throw rateLimited(
        `This operator token has ${MAX_STREAMS_OF_OPERATOR} streams of capacities open, the most that one may have with its sessions.`,
      )
    }

    app.get(
      '/connections/:id/capacity/stream',
      {
        // HEAD would wait for the end of what has none.
        exposeHeadRoute: false,
        schema: { tags: ['insights'], params: ConnectionParams, produces: ['text/event-stream'] },
      },
      async (request, reply) => {
        const { id } = await findConnection(deps, request.params.id)
        const { tokenId } = operatorOf(request)
        requireRoom(tokenId)
        reply.hijack()
        const { raw: response } = reply
        // The client left while the connection was looked up: nothing tells of its leaving any more.
        if (response.destroyed) return
        open.set(response, tokenId)
        response.once('close', () => open.delete(response))
        try {
          response.writeHead(200, { ...STREAM_HEADERS, 'x-request-id': request.id })
          // While the database is away nobody can be told to go.
          const mayListen = () => isStillGood(deps, request).catch(() => true)
          await tell(response, () => nextEvent(insights, id), mayListen)
        } catch (error) {
          logger.error({ err: error, requestId: request.id, connectionId: id }, 'a capacity stream has failed')
        } finally {
          open.delete(response)
          response.end()
        }
      },
    )
  }
}

interface StreamEvent {
  readonly event: string
  readonly data: object
}

async function tell(
  response: ServerResponse,
  next: () => Promise<StreamEvent>,
  mayListen: () => Promise<boolean>,
): Promise<void> {
  const isOver = () => response.writableEnded || response.destroyed
  while (!isOver()) {
    const { event, data } = await next()
    if (!(await mayListen()) || isOver()) return
    // A client that does not read gets no more until it does.
    if (!response.writableNeedDrain) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    if (event === 'deleted') return
    await delay(INTERVAL_MS)
  }
}

async function nextEvent(insights: Insights, connectionId: string): Promise<StreamEvent> {
  try {
    return { event: 'capacity', data: await insights.capacity(connectionId) }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const event = error.code === 'connection_not_found' ? 'deleted' : 'unavailable'
    return { event, data: { code: error.code, message: error.message } }
  }
}

function rateLimited(reason: string): SluiceError {
  return new SluiceError('rate_limited', `${reason} Close one, or try again later.`)
}

const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } as const
const INTERVAL_MS = 1_000
/** Each asks capacity and the database once a second. */
const MAX_STREAMS = 100
/** So that no operator takes all of them. */
const MAX_STREAMS_OF_OPERATOR = 20
