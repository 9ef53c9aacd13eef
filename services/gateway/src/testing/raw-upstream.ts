import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface RawUpstream {
  readonly url: string
  /** What answers from now on. */
  respond: (request: IncomingMessage, response: ServerResponse) => void
  stop(): Promise<void>
}

/** An HTTP server that answers in ways no provider simulator would. */
export async function startRawUpstream(): Promise<RawUpstream> {
  const server = createServer((request, response) => upstream.respond(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const upstream: RawUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    respond: (_, response) => void response.end(),
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return upstream
}
