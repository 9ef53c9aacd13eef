import type { ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '@sluice/contracts'
import type { ApplicationDeps } from '../application/deps.ts'
import { findConnection } from '../application/find-connection.ts'
import type { Insights } from '../ports/insights.ts'
import { isStillGood } from './authenticate.ts'
import { ConnectionParams } from './connections.ts'
import type { Routes } from './routes.ts'

/**
 * `GET /connections/{id}/capacity/stream`: the connection's capacity as server-sent events, once a second until the client goes
 * away, its token or session is no longer good, the connection is deleted, or the service stops. `capacity` carries what `…/capacity` answers; `unavailable`, that nobody
 * could tell it just now; `deleted` is the last.
 */
export function capacityStreamRoute(deps: ApplicationDeps, insights: Insights): Routes {
  return (app) => {
    const open = new Set<ServerResponse>()
    app.addHook('preClose', async () => {
      for (const response of open) response.end()
    })

    app.get(
      '/connections/:id/capacity/stream',
      { schema: { tags: ['insights'], params: ConnectionParams, produces: ['text/event-stream'] } },
      async (request, reply) => {
        const { id } = await findConnection(deps, request.params.id)
        reply.hijack()
        const response = reply.raw
        response.writeHead(200, {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-request-id': request.id,
        })
        open.add(response)
        response.once('close', () => open.delete(response))
        while (!response.writableEnded && !response.destroyed) {
          const { event, data } = await nextEvent(insights, id)
          // While the database is away nobody can be told to go.
          const mayListen = await isStillGood(deps, request).catch(() => true)
          if (!mayListen) response.end()
          if (response.writableEnded || response.destroyed) return
          // A client that does not read gets no more until it does.
          if (!response.writableNeedDrain) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
          if (event === 'deleted') response.end()
          else await delay(INTERVAL_MS)
        }
      },
    )
  }
}

async function nextEvent(insights: Insights, connectionId: string): Promise<{ event: string; data: object }> {
  try {
    return { event: 'capacity', data: await insights.capacity(connectionId) }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const event = error.code === 'connection_not_found' ? 'deleted' : 'unavailable'
    return { event, data: { code: error.code, message: error.message } }
  }
}

const INTERVAL_MS = 1_000
