import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { freshConnection } from '../support/fresh-connection.ts'
import { startRawUpstream } from '../support/raw-upstream.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { raised, startUnifiedPath } from '../support/unified-client.ts'

/** Responses that the provider charges for although they have no result: the error says why, and no SDK sends the request again. */
const path = startBeforeAll(() => startUnifiedPath('openai'))
const upstream = startBeforeAll(startRawUpstream)

const retryingClient = () => new OpenAI({ baseURL: `${path.gateway.url}/v1`, apiKey: path.apiKey })

const IMAGE = [{ inlineData: { mimeType: 'image/png', data: 'AAAA' } }]
const usageMetadata = { promptTokenCount: 7, candidatesTokenCount: 900, totalTokenCount: 907 }

describe.each([
  ['a whole response', false],
  ['a stream', true],
])('%s', (_, stream) => {
  it.each([
    [
      'is an image',
      { candidates: [{ content: { parts: IMAGE }, finishReason: 'STOP' }], usageMetadata },
      /such as an image/,
      'unsupported_operation',
    ],
    [
      'calls a function in a way that cannot be read',
      { candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL', finishMessage: 'Malformed call: g(' }], usageMetadata },
      /Malformed call: g\($/,
      'MALFORMED_FUNCTION_CALL',
    ],
    [
      'calls a tool that there is not',
      { candidates: [{ finishReason: 'UNEXPECTED_TOOL_CALL' }], usageMetadata },
      /UNEXPECTED_TOOL_CALL/,
      'UNEXPECTED_TOOL_CALL',
    ],
  ])(
    'that %s is an error with the provider’s message, and not retried',
    async (_case, clientResponse, message, code) => {
      let requested = 0
      upstream.respond = (_request, response) => {
        requested++
        const text = JSON.stringify(clientResponse)
        response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json')
        response.end(stream ? `data: ${text}\n\n` : text)
      }
      const connection = await freshConnection(path.gateway, path.apiKey, { provider: 'google', baseUrl: upstream.url })
      const model = `${connection.settings.name}/gemini-2.5-flash-image`
      const send = async () => {
        const given = await retryingClient().chat.completions.create({
          model,
          messages: [{ role: 'user', content: 'Draw' }],
          stream,
        })
        if (Symbol.asyncIterator in given) for await (const _ of given);
      }
      const error = await raised(send(), stream ? OpenAI.APIError : OpenAI.UnprocessableEntityError, message)
      expect(error).toMatchObject({ code, type: 'server_error' })
      expect(requested).toBe(1)
      await connection.isCharged({ requests: 1, tokens: 907 })
      await connection.ended('upstream_error')
    },
  )
})

it('does not retry a response that it cannot understand, and charges it as reported', async () => {
  let requested = 0
  upstream.respond = (_request, response) => {
    requested++
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ odd: true, usageMetadata }))
  }
  const connection = await freshConnection(path.gateway, path.apiKey, { provider: 'google', baseUrl: upstream.url })
  const given = retryingClient().chat.completions.create({
    model: `${connection.settings.name}/gemini`,
    messages: [{ role: 'user', content: 'Hi' }],
  })
  await raised(given, OpenAI.InternalServerError, /could not be understood/)
  expect(requested).toBe(1)
  await connection.isCharged({ requests: 1, tokens: 907 })
})
