import type { ServerResponse } from 'node:http'
import { eventually } from '@sluice/testkit'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postJson } from './testing/exchange.ts'
import { type RawUpstream, startRawUpstream, writePieces } from './testing/raw-upstream.ts'
import { startDataPath, type TestDataPath } from './testing/start-data-path.ts'

const OLD = 'sk-canary-old-1f0e9d8c7b6a'
const NEW = 'sk-canary-new-a6b7c8d9e0f1'
const BODY = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }] }
const STREAM = { ...BODY, stream: true, stream_options: { include_usage: true } }

let path: TestDataPath
let upstream: RawUpstream
beforeAll(async () => {
  path = await startDataPath()
  upstream = await startRawUpstream()
})
afterAll(async () => {
  await upstream.stop()
  await path.stop()
})

const connect = () => path.gateway.connection({ baseUrl: upstream.url, apiKey: OLD })
const ask = (baseURL: string, body: object) => postJson(`${baseURL}/chat/completions`, path.apiKey, body)
/** Known to the gateway, too. */
const connected = async () => {
  const made = await connect()
  await eventually(async () => expect((await ask(made.baseURL, [])).status).toBe(400))
  return made
}

describe('a credential that an error in a stream repeats', () => {
  const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`
  const delta = (content: string) => event({ choices: [{ delta: { content } }] })
  const error = event({ error: { message: `Wrong: ${OLD}, ${OLD}`, type: 'server_error', code: null } })
  const redacted = error.replaceAll(OLD, '[redacted]')

  it.each([
    ['a stream that is passed on as it is', STREAM],
    ['a stream that the gateway adds to', { ...BODY, stream: true }],
  ])('is cut out, in whatever pieces it comes: %s', async (_, body) => {
    const { baseURL } = await connected()
    const sizes = fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(sizes, fc.constantFrom('\n', '\r\n'), async (pieces, lineEnd) => {
        const shaped = (text: string) => text.replaceAll('\n', lineEnd)
        upstream.respond = (_request, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          void writePieces(response, Buffer.from(shaped(delta('a') + error)), pieces)
        }
        const answer = await ask(baseURL, body)
        expect(answer.body.toString()).toBe(shaped(delta('a') + redacted))
      }),
      { numRuns: 40 },
    )
  })

  it('is cut out where the stream ends without a blank line', async () => {
    const { baseURL } = await connected()
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      void writePieces(response, Buffer.from(error.trimEnd()), [50])
    }
    expect((await ask(baseURL, STREAM)).body.toString()).toBe(redacted.trimEnd())
  })

  it('is no reason to change what a model writes', async () => {
    const { baseURL } = await connected()
    upstream.respond = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      void writePieces(response, Buffer.from(delta(`You might call it ${OLD}.`)), [20])
    }
    expect((await ask(baseURL, STREAM)).body.toString()).toBe(delta(`You might call it ${OLD}.`))
  })
})

it('around a rotation, each request has its own credential cut out of its error', async () => {
  const begun: { readonly sent: string; readonly response: ServerResponse }[] = []
  upstream.respond = (request, response) => void begun.push({ sent: request.headers.authorization ?? '', response })
  const { baseURL, settings } = await connected()
  const before = ask(baseURL, BODY)
  await eventually(() => expect(begun).toHaveLength(1))

  path.gateway.credentials.set(settings.id, { apiKey: NEW })
  await path.gateway.connections.put(settings.id, { ...settings, credentialVersion: 2, version: 2 })
  await eventually(() =>
    expect(path.gateway.credentialRequests.at(-1)).toEqual({ connectionId: settings.id, version: 2 }),
  )
  const later: ReturnType<typeof ask>[] = []
  await eventually(() => {
    later.push(ask(baseURL, BODY))
    expect(begun.at(-1)?.sent).toBe(`Bearer ${NEW}`)
  })

  await eventually(() => expect(begun).toHaveLength(1 + later.length))
  for (const { sent, response } of begun) response.writeHead(401).end(`You sent ${sent}.`)
  for (const answer of await Promise.all([before, ...later])) {
    expect(answer.body.toString()).toBe('You sent Bearer [redacted].')
  }
  expect(new Set(begun.map(({ sent }) => sent))).toEqual(new Set([`Bearer ${OLD}`, `Bearer ${NEW}`]))
})
