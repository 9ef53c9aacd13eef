import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { closed, http2Exchange, openStream } from '../testing/http2-exchange.ts'
import { Http2Sessions } from './http2-sessions.ts'

let server: Server
let respond: (response: ServerResponse) => void

beforeEach(() => {
  server = createServer((_request, response) => respond(response))
})
afterEach(async () => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
})

async function listen(timeouts: { readonly idleTimeoutMs: number; readonly streamTimeoutMs: number }): Promise<string> {
  const sessions = new Http2Sessions({ server: () => server, ...timeouts })
  server.on('clientError', (error, socket) => {
    if (!sessions.takes(error, socket as Socket)) socket.destroy()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

it('closes a session on which no request comes', async () => {
  const client = connect(await listen({ idleTimeoutMs: 50, streamTimeoutMs: 60_000 }))
  await once(client, 'close')
  expect(client.destroyed).toBe(true)
})

it('keeps a session whose request takes longer than that', async () => {
  respond = (response) => void setTimeout(() => response.end('late'), 200)
  const client = connect(await listen({ idleTimeoutMs: 50, streamTimeoutMs: 60_000 }))
  expect(await http2Exchange(client, '/')).toMatchObject({ status: 200, resetCode: 0 })
  client.destroy()
})

it('gives up a request on which nothing moves', async () => {
  respond = (response) => void response.write('begun')
  const client = connect(await listen({ idleTimeoutMs: 60_000, streamTimeoutMs: 50 }))
  const stream = openStream(client, '/')
  stream.end()
  stream.resume()
  expect(await closed(stream)).not.toBe(0)
  client.destroy()
})
