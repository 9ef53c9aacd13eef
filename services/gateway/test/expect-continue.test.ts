import type { Socket } from 'node:net'
import { eventually } from '@sluice/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendText } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { TestGateway } from './support/start-gateway.ts'

const BODY = '{"model":"m","messages":[]}'
const CONTINUE = /^HTTP\/1\.1 100 Continue\r\n\r\n/
let gateway: TestGateway
let apiKey: string
let path: string

const data = startBeforeAll(() => startDataPath({ env: { REQUEST_TIMEOUT_MS: '2000' } }))
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  ;({ gateway, apiKey } = data)
  const made = await gateway.connection({ baseUrl: upstream.url })
  const url = `${made.baseURL}/chat/completions`
  path = new URL(url).pathname
  await eventually(async () => expect((await postJson(url, apiKey, BODY)).status).toBe(200))
})

function head(fields: Readonly<Record<string, string>>, target = path): string {
  const all = { host: 'gateway', 'content-type': 'application/json', 'content-length': String(BODY.length), ...fields }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Sends a body only once the gateway says to go on. */
function bodyOnContinue(socket: Socket): void {
  socket.once('data', (data) => {
    if (CONTINUE.test(String(data))) socket.write(BODY)
  })
}

describe('a client that expects 100 Continue', () => {
  it('gets 100 Continue once it is admitted, and its whole request is forwarded', async () => {
    let expected: string | undefined
    let received = ''
    upstream.respond = (request, response) => {
      expected = request.headers.expect
      request.on('data', (piece) => {
        received += String(piece)
      })
      request.on('end', () => response.end('{"id":"x"}'))
    }
    const fields = { authorization: `Bearer ${apiKey}`, expect: '100-Continue', connection: 'close' }
    const text = await sendText(gateway.url, head(fields), bodyOnContinue)
    expect(text).toMatch(CONTINUE)
    expect(text.replace(CONTINUE, '')).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toMatch(/\{"id":"x"\}$/)
    expect(received).toBe(BODY)
    expect(expected).toBeUndefined()
  })

  it.each([
    ['without a key', 401, 'invalid_api_key', {}, undefined],
    ['with a wrong key', 401, 'invalid_api_key', { authorization: 'Bearer slc_no' }, undefined],
    ['at no path', 404, 'unsupported_operation', {}, '/nowhere'],
  ])('is refused without 100 Continue: %s', async (_, status, code, fields, target) => {
    const text = await sendText(gateway.url, head({ expect: '100-continue', ...fields }, target), bodyOnContinue)
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(text).toContain(`"code":"${code}"`)
  })
})

it.each(['foo', '', '100-continue, foo'])('refuses any other expectation with a message: %j', async (other) => {
  const text = await sendText(
    gateway.url,
    head({ authorization: `Bearer ${apiKey}`, expect: other }) + BODY,
    (socket) => socket.end(),
  )
  expect(text).toMatch(/^HTTP\/1\.1 417 Expectation Failed\r\n/)
  expect(text).toContain('"code":"invalid_request"')
  expect(text).toContain('x-sluice-source: gateway')
})
