import { once } from 'node:events'
import { connect } from 'node:http2'
import { eventually } from '@sluice/testkit'
import { expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { closed, openStream, responseHeaders, sendHttp2Request } from './support/send-http2-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** HTTP/2 sessions while a gateway stops. */
const STREAM = JSON.stringify({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }], stream: true })

const upstream = startBeforeAll(startRawUpstream)

const started = async (stopTimeoutMs: number) => {
  const own = await startDataPath({ env: { STOP_TIMEOUT_MS: String(stopTimeoutMs) } })
  const reached = await freshConnection(own.gateway, own.apiKey, { baseUrl: upstream.url })
  const client = connect(own.gateway.url)
  client.on('error', () => undefined)
  expect((await sendHttp2Request(client, '/healthz')).status).toBe(200)
  const send = () => {
    const headers = { authorization: `Bearer ${own.apiKey}`, 'content-type': 'application/json' }
    const url = `/connections/${reached.settings.name}/v1/chat/completions`
    const stream = openStream(client, url, { method: 'POST', headers })
    stream.end(STREAM)
    return stream
  }
  return { own, client, send }
}

it('lets requests end, and then closes their sessions', async () => {
  const finish = Promise.withResolvers<void>()
  upstream.respond = (_request, response) => {
    response.write('data: {}\n\n')
    void finish.promise.then(() => response.end('data: [DONE]\n\n'))
  }
  const { own, client, send } = await started(20_000)
  const stream = send()
  await responseHeaders(stream)
  const goaway = once(client, 'goaway')
  const stopped = own.stop()
  await goaway
  finish.resolve()
  expect((await stream.toArray()).join('')).toContain('[DONE]')
  expect(await closed(stream)).toBe(0)
  await stopped
  await eventually(() => expect(client.destroyed).toBe(true))
})

it('does not wait for sessions without requests', async () => {
  const { own } = await started(25_000)
  const beganAtMs = performance.now()
  await own.stop()
  expect(performance.now() - beganAtMs).toBeLessThan(10_000)
})

it('aborts requests that do not end in time', async () => {
  upstream.respond = (_request, response) => void response.write('data: {}\n\n')
  const { own, send } = await started(100)
  const stream = send()
  await responseHeaders(stream)
  stream.resume()
  await own.stop()
  expect(await closed(stream)).not.toBe(0)
})
