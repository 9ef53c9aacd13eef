import { type ClientHttp2Session, connect } from 'node:http2'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { openStream, responseHeaders, sendHttp2Request } from './support/send-http2-request.ts'
import { sendText } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

let connection: FreshConnection
let session: ClientHttp2Session

const data = startBeforeAll(() => startDataPath({ env: { REQUEST_TIMEOUT_MS: '1500' } }))
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  connection = await freshConnection(data.gateway, data.apiKey, { baseUrl: upstream.url })
})
beforeEach(() => {
  session = connect(data.gateway.url)
})
afterEach(() => session.destroy())

it('times out a request that never ends, and keeps its session for others', async () => {
  const path = `/connections/${connection.settings.name}/v1/chat/completions`
  const headers = { authorization: `Bearer ${data.apiKey}`, 'content-type': 'application/json' }
  const stream = openStream(session, path, { method: 'POST', headers })
  stream.write('{')
  expect((await responseHeaders(stream))[':status']).toBe(408)
  expect((await sendHttp2Request(session, '/healthz')).status).toBe(200)
})

it('keeps a session beyond the time limit of an HTTP/1.1 header, and does not affect HTTP/1.1', async () => {
  expect((await sendHttp2Request(session, '/healthz')).status).toBe(200)
  // A request of HTTP/1.1 that began later has been found too slow by now.
  const slow = await sendText(data.gateway.url, 'GET /healthz HTTP/1.1\r\nhost: gateway\r\n')
  expect(slow).toMatch(/^HTTP\/1\.1 408 /)
  expect((await sendHttp2Request(session, '/healthz')).status).toBe(200)
})
