import { eventually } from '@sluice/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { postJson, sendRequest, sendText } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import type { TestGateway } from './support/start-gateway.ts'

const SECRET = 'sk-canary-77aa'
const BODY = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }] }
let gateway: TestGateway
let apiKey: string

const data = startBeforeAll(startDataPath)
const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  ;({ gateway, apiKey } = data)
})

async function connect() {
  const connection = await freshConnection(gateway, apiKey, { baseUrl: upstream.url, apiKey: SECRET })
  const url = `${connection.baseURL}/v1/chat/completions`
  return {
    ...connection,
    chat: (body: object = BODY) => postJson(url, apiKey, body),
    /** The response's bytes, its head included. */
    text: (body: object = BODY) => sendText(url, requestText(new URL(url).pathname, JSON.stringify(body))),
  }
}

function requestText(path: string, body: string): string {
  const fields = `host: g\r\nconnection: close\r\nauthorization: Bearer ${apiKey}\r\ncontent-type: application/json`
  return `POST ${path} HTTP/1.1\r\n${fields}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** Responds to every request with `text`, byte for byte. */
function responseText(text: string): void {
  upstream.respond = (_request, response) => void response.socket?.end(text, 'latin1')
}

describe('header values that look like names', () => {
  const FIELDS = {
    'access-control-expose-headers': 'content-length',
    vary: 'content-encoding',
    'x-list': ['content-length', 'content-encoding'],
  }

  it.each([
    ['an error', 400, BODY],
    ['a response', 200, BODY],
    ['a stream', 200, { ...BODY, stream: true }],
  ])('are unchanged in %s', async (_, status, body) => {
    upstream.respond = (_request, response) => {
      response.writeHead(status, { ...FIELDS, 'content-type': 'application/json', 'content-length': '7' })
      response.end('{"a":1}')
    }
    const { text } = await connect()
    const clientResponse = await text(body)
    expect(clientResponse).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(clientResponse).toMatch(/^access-control-expose-headers: content-length\r$/m)
    expect(clientResponse).toMatch(/^vary: content-encoding\r$/m)
    expect(clientResponse.match(/^x-list: content-(length|encoding)\r$/gm)).toHaveLength(2)
    // A stream from which the usage may be removed states no length.
    expect(clientResponse.match(/^content-length: 7\r$/gm) ?? []).toHaveLength('stream' in body ? 0 : 1)
    expect(clientResponse).toContain('{"a":1}')
  })
})

describe('a reason phrase', () => {
  const USAGE = '{"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}'

  it.each([
    ['a response', 200, USAGE, 7],
    ['an error', 500, '{"error":{}}', 0],
  ])('that cannot be sent is left out of %s', async (_, status, json, tokens) => {
    const { text, isCharged } = await connect()
    responseText(
      `HTTP/1.1 ${status} O\xe9\xff K\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`,
    )
    const clientResponse = await text()
    expect(clientResponse).toMatch(new RegExp(`^HTTP/1\\.1 ${status} \\r\n`))
    expect(clientResponse).toMatch(/^x-sluice-source: upstream\r$/m)
    expect(clientResponse.endsWith(json)).toBe(true)
    await isCharged({ requests: 1, tokens: tokens })
  })

  it('that can be sent is passed on without the credential', async () => {
    const { text } = await connect()
    responseText(`HTTP/1.1 409 No ${SECRET} here\r\ncontent-length: 2\r\n\r\n{}`)
    expect(await text()).toMatch(/^HTTP\/1\.1 409 No \[redacted\] here\r\n/)
    responseText('HTTP/1.1 200 Quite fine\r\ncontent-length: 2\r\n\r\n{}')
    expect(await text()).toMatch(/^HTTP\/1\.1 200 Quite fine\r\n/)
  })
})

it("sends no name of the caller's key upstream, however it is written", async () => {
  const { baseURL } = await connect()
  let url: string | undefined
  upstream.respond = (message, response) => {
    url = message.url
    response.end('{}')
  }
  const headers = { authorization: `Bearer ${apiKey}` }
  const clientResponse = await sendRequest(`${baseURL}/v1/models?a=%2f+%zz&%6bey=${apiKey}&k%65y=${apiKey}&b`, {
    headers,
  })
  expect(clientResponse.status).toBe(200)
  expect(url).toBe('/v1/models?a=%2f+%zz&b')
})

it.each([
  ['a model', '/v1/chat/completions', 'POST', { model: BODY.model }],
  ['calls without a model', '/v1/models', 'GET', { model: '', pool: 'models' }],
])(
  'a cool-down that one response asks for stops %s for an hour at most, and is tried out after a minute',
  async (_, path, method, pool) => {
    const { baseURL, coolDowns } = await connect()
    upstream.respond = (_request, response) => response.writeHead(429, { 'retry-after': '99999999999' }).end('{}')
    const send = () =>
      sendRequest(`${baseURL}${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: JSON.stringify(BODY) } : {}),
      })
    expect((await send()).headers['x-sluice-source']).toBe('upstream')
    await eventually(async () => {
      const { status, headers } = await send()
      expect(status).toBe(429)
      expect(headers['x-sluice-source']).toBe('gateway')
      expect(Number(headers['retry-after'])).toBeGreaterThan(50)
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(60)
    })
    const [pause, ...others] = await coolDowns()
    expect(others).toEqual([])
    expect(pause).toMatchObject(pool)
    expect(pause?.remainingMs).toBeGreaterThan(3_500_000)
    expect(pause?.remainingMs).toBeLessThanOrEqual(3_600_000)
  },
)
