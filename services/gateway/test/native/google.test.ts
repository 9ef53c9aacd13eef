import { setTimeout as delay } from 'node:timers/promises'
import {
  FunctionCallingMode,
  type GenerateContentResult,
  GoogleGenerativeAI,
  GoogleGenerativeAIFetchError,
  SchemaType,
} from '@google/generative-ai'
import { describe, expect, it } from 'vitest'
import { IMAGE_BASE64, type NativeSdk, PROMPT, type SdkRequest } from '../support/native-sdk.ts'
import { nativeSuite } from '../support/native-suite.ts'

const MODEL = 'gemini-2.5-flash'
const sdk: NativeSdk = {
  provider: 'google',
  model: MODEL,
  connect: (baseUrl, apiKey) => {
    const modelOf = ({ model = MODEL }: SdkRequest) => modelAt(baseUrl, apiKey, model)
    return {
      send: async (question = {}) =>
        responseOf(await modelOf(question).generateContent(request(question), options(question))),
      async *stream(question = {}) {
        const { stream, response } = await modelOf(question).generateContentStream(request(question), options(question))
        // The whole response fails with the stream, and no one waits for it.
        response.catch(() => undefined)
        for await (const chunk of stream) yield chunk.text()
      },
    }
  },
  // The SDK retries nothing by itself.
  sendWithRetry: async (baseUrl, apiKey) => {
    const send = () => modelAt(baseUrl, apiKey, MODEL).generateContent(PROMPT)
    const clientResponse = await send().catch(async (error: unknown) => {
      await delay(retryAfterMs(error))
      return send()
    })
    return responseOf(clientResponse)
  },
  errorType: () => GoogleGenerativeAIFetchError,
  // For the SDK, an error is no event.
  streamError: /Failed to parse stream/,
  retryAfterMs,
}

const { path, connect } = nativeSuite(sdk)

async function sdkModel(model = MODEL) {
  const { baseURL } = await connect()
  return modelAt(baseURL, path().apiKey, model)
}

it('finds the limit in the details of a 429', async () => {
  const { client } = await connect({ capacity: [{ period: 'minute', requests: 1 }] })
  await client.send()
  const error = await client.send().catch((raised: unknown) => raised)
  expect((error as GoogleGenerativeAIFetchError).errorDetails).toEqual([
    {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [{ quotaMetric: 'requests', quotaId: 'RequestsPerMinutePerConnection', quotaValue: '1' }],
    },
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: expect.stringMatching(/^\d+(\.\d+)?s$/) },
  ])
})

it('records the exceeded quotas of a 429’s body, and nothing else of it', async () => {
  const apiKey = 'AIza-limited'
  path().simulator.accounts.register({ apiKey, limits: { requests: { limit: 1, period: 'day' } } })
  const { client, ended } = await connect({ apiKey })
  await client.send()
  expect(await ended('success')).not.toHaveProperty('rateLimits')
  await expect(client.send()).rejects.toBeInstanceOf(GoogleGenerativeAIFetchError)
  const event = await ended('upstream_429')
  expect(event).toMatchObject({
    rateLimits: [{ dimension: 'requests-per-day', limit: 1, periodMs: 86_400_000 }],
    headersAtMs: expect.any(Number),
  })
  expect(JSON.stringify(event)).not.toMatch(/quota exceeded|FreeTier/i)
})

describe('tools', () => {
  const properties = { gate: { type: SchemaType.STRING } as const }
  const declaration = { name: 'getLevel', parameters: { type: SchemaType.OBJECT, properties, required: ['gate'] } }
  const question = { role: 'user', parts: [{ text: PROMPT }] }
  const forced = {
    contents: [question],
    tools: [{ functionDeclarations: [declaration] }],
    toolConfig: { functionCallingConfig: { mode: FunctionCallingMode.ANY } },
  }

  it('are called, and take their results', async () => {
    const model = await sdkModel()
    const { response } = await model.generateContent(forced)
    expect(response.functionCalls()).toEqual([{ name: 'getLevel', args: { gate: expect.any(String) } }])
    const requested = response.candidates?.[0]?.content
    if (requested === undefined) throw new Error('no candidate')
    const result = { functionResponse: { name: 'getLevel', response: { level: '3 m' } } }
    const contents = [question, requested, { role: 'function', parts: [result] }]
    const next = await model.generateContent({ tools: forced.tools, contents })
    expect(next.response.text()).toMatch(/^This/)
  })

  it('are called in a stream', async () => {
    const { response } = await (await sdkModel()).generateContentStream(forced)
    expect((await response).functionCalls()).toEqual([{ name: 'getLevel', args: { gate: expect.any(String) } }])
  })
})

it('takes images', async () => {
  const parts = [{ inlineData: { mimeType: 'image/png', data: IMAGE_BASE64 } }, { text: PROMPT }]
  await (await sdkModel()).generateContent(parts)
  expect(JSON.parse(path().simulator.requests.list()[0]?.content?.body ?? '').contents[0].parts).toEqual(parts)
})

it('counts tokens and creates embeddings', async () => {
  expect((await (await sdkModel()).countTokens(PROMPT)).totalTokens).toBeGreaterThan(0)
  const embedding = await (await sdkModel('gemini-embedding-001')).embedContent(PROMPT)
  expect(embedding.embedding.values.length).toBeGreaterThan(0)
})

function modelAt(baseUrl: string, apiKey: string, model: string) {
  return new GoogleGenerativeAI(apiKey).getGenerativeModel({ model }, { baseUrl })
}

function request({ empty = false }: SdkRequest) {
  return { contents: empty ? [] : [{ role: 'user', parts: [{ text: PROMPT }] }] }
}

function options({ signal }: SdkRequest) {
  return signal === undefined ? {} : { signal }
}

function responseOf({ response }: GenerateContentResult) {
  return {
    text: response.text(),
    inputTokens: response.usageMetadata?.promptTokenCount ?? Number.NaN,
    outputTokens: response.usageMetadata?.candidatesTokenCount ?? Number.NaN,
  }
}

function retryAfterMs(error: unknown): number {
  const details = error instanceof GoogleGenerativeAIFetchError ? (error.errorDetails ?? []) : []
  const retryInfo = details.find((detail) => detail['@type']?.endsWith('google.rpc.RetryInfo'))
  return retryInfo === undefined ? Number.NaN : Number.parseFloat(String(retryInfo.retryDelay)) * 1_000
}
