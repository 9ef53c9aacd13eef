import type { ProviderId } from '@sluice/contracts'
import { eventually } from '@sluice/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freshConnection } from '../support/fresh-connection.ts'
import { NATIVE_APIS, type NativeApi, type NativeCall } from '../support/native-calls.ts'
import { startRawUpstream, writePieces } from '../support/raw-upstream.ts'
import { sendRequest } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { startDataPath } from '../support/start-data-path.ts'

const CHUNKINGS = 30

/**
 * Each provider's streams in random pieces, with either line end, and with comments and events without data in between: the same
 * bytes arrive, and the same usage is reported. The readers alone are tried with a thousand chunkings each, beside them.
 */
describe.each(Object.entries(NATIVE_APIS) as [ProviderId, NativeApi][])('%s', (provider, { headers, calls }) => {
  const path = startBeforeAll(() => startDataPath({ simulator: { provider } }))
  const upstream = startBeforeAll(startRawUpstream)

  const connect = (baseUrl: string) => freshConnection(path.gateway, path.apiKey, { provider, baseUrl })
  const send = (url: string, key: string, call: NativeCall) =>
    sendRequest(url + call.path, {
      method: call.method,
      headers: { ...headers(key), 'content-type': 'application/json', 'x-simulator-seed': 'one' },
      body: JSON.stringify(call.body),
    })

  it.each(Object.entries(calls).filter(([name]) => /stream|as events|as an array/.test(name)))(
    '%s',
    async (_, call) => {
      const requested = await send(path.simulator.url, 'sk-upstream', call)
      const sent = await send(path.simulator.url, 'sk-upstream', asTheGatewaySends(call))
      const undisturbed = await connect(path.simulator.url)
      await send(undisturbed.baseURL, path.apiKey, call)
      const { usage } = await undisturbed.ended('success')
      expect(usage?.outputTokens).toBeGreaterThan(0)

      const { baseURL, events, isCharged } = await connect(upstream.url)
      const contentType = sent.headers['content-type'] ?? ''
      const shapes = fc.record({ lineEnd: fc.constantFrom('\n', '\r\n'), noise: fc.boolean() })
      const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(shapes, sizes, async (shape, pieces) => {
          upstream.respond = (_request, response) => {
            response.writeHead(200, { 'content-type': contentType })
            void writePieces(response, shaped(sent.body, contentType, shape), pieces)
          }
          const { body } = await send(baseURL, path.apiKey, call)
          expect(body.toString()).toBe(shaped(requested.body, contentType, shape).toString())
        }),
        { numRuns: CHUNKINGS },
      )
      await eventually(() => expect(events()).toHaveLength(CHUNKINGS))
      for (const event of events()) expect(event).toMatchObject({ outcome: 'success', usage })
      const tokens = ((usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0)) * CHUNKINGS
      await isCharged({ requests: CHUNKINGS, tokens })
    },
  )
})

/** The gateway requests the usage of OpenAI's chats and completions, which the caller does not get. */
function asTheGatewaySends(call: NativeCall): NativeCall {
  if (!/^\/v1\/(chat\/)?completions$/.test(call.path)) return call
  const body: { stream_options?: object } = { ...call.body }
  return { ...call, body: { ...body, stream_options: { ...body.stream_options, include_usage: true } } }
}

function shaped(body: Buffer, contentType: string, { lineEnd, noise }: { lineEnd: string; noise: boolean }): Buffer {
  const isEvents = contentType.startsWith('text/event-stream')
  const lines = body.toString().replaceAll('\r\n', '\n').replaceAll('simulated', 'naïve 🙂')
  const noisy = noise && isEvents ? `: ping\n\n\n\nevent: none\n\n${lines}: bye\n\ndata:\n\n` : lines
  return Buffer.from(noisy.replaceAll('\n', lineEnd))
}
