import {
  FunctionCallingMode,
  type FunctionDeclaration,
  type GenerativeModel,
  GoogleGenerativeAI,
  GoogleGenerativeAIError,
  GoogleGenerativeAIFetchError,
  SchemaType,
} from '@google/generative-ai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const KEY = 'AIza-test'
const CONTENTS = [{ role: 'user', parts: [{ text: 'Hello!' }] }]
const WEATHER: FunctionDeclaration = {
  name: 'get_weather',
  parameters: {
    type: SchemaType.OBJECT,
    properties: {
      location: { type: SchemaType.STRING },
      unit: { type: SchemaType.STRING, format: 'enum', enum: ['celsius', 'fahrenheit'] },
    },
  },
}

let simulator: ProviderSimulator
let model: GenerativeModel

beforeEach(async () => {
  simulator = await startProviderSimulator({ provider: 'google', accounts: [{ apiKey: KEY }], clock: () => 0 })
  model = modelOf('gemini-2.5-flash')
})
afterEach(() => simulator.stop())

describe('content, through the official SDK', () => {
  it('is text with usage', async () => {
    const { response } = await model.generateContent({ contents: CONTENTS, systemInstruction: 'Brief' })
    expect(response).toMatchObject({
      candidates: [{ content: { role: 'model' }, finishReason: 'STOP', index: 0 }],
      usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 16, totalTokenCount: 19 },
      modelVersion: 'gemini-2.5-flash',
    })
    expect(response.text().split(' ')).toHaveLength(16)
  })

  it('ends at the maximum that the caller states', async () => {
    const { response } = await model.generateContent({ contents: CONTENTS, generationConfig: { maxOutputTokens: 3 } })
    expect(response.candidates?.[0]?.finishReason).toBe('MAX_TOKENS')
    expect(response.text()).toBe('This answer comes')
    expect(response.usageMetadata?.candidatesTokenCount).toBe(3)
  })

  it.each([0, 1, 4, 18])('streams the same %i tokens, the usage growing with each chunk', async (maxOutputTokens) => {
    simulator.controls.add({ outputTokens: maxOutputTokens })
    const whole = await model.generateContent('Hello!')
    const { stream, response } = await model.generateContentStream('Hello!')
    const counts = (await Array.fromAsync(stream)).map(({ usageMetadata }) => usageMetadata?.candidatesTokenCount)
    expect(counts).toEqual(
      Array.from({ length: Math.max(1, Math.ceil(maxOutputTokens / 4)) }, (_, index) =>
        Math.min(4 * index + 4, maxOutputTokens),
      ),
    )
    expect((await response).text()).toBe(whole.response.text())
    expect((await response).candidates?.[0]?.finishReason).toBe('STOP')
  })

  it('streams one JSON array if no events are requested', async () => {
    const response = await post('models/gemini-2.5-flash:streamGenerateContent', { contents: CONTENTS })
    const chunks = await json<unknown[]>(response)
    expect(chunks).toHaveLength(4)
    expect(chunks.at(-1)).toMatchObject({ candidates: [{ finishReason: 'STOP' }] })
  })

  it('calls the function that the request demands, whole and streamed alike', async () => {
    const request = {
      contents: CONTENTS,
      tools: [{ functionDeclarations: [{ ...WEATHER, name: 'other' }, WEATHER] }],
      toolConfig: {
        functionCallingConfig: { mode: FunctionCallingMode.ANY, allowedFunctionNames: ['get_weather'] },
      },
    }
    const call = [{ name: 'get_weather', args: { location: 'simulated', unit: 'celsius' } }]
    expect((await model.generateContent(request)).response.functionCalls()).toEqual(call)
    expect((await (await model.generateContentStream(request)).response).functionCalls()).toEqual(call)
  })

  it('responds with text if the function is optional, and after the function has returned', async () => {
    const chat = modelOf('gemini-2.5-flash', { tools: [{ functionDeclarations: [WEATHER] }] }).startChat({
      history: [...CONTENTS, { role: 'model', parts: [{ functionCall: { name: 'get_weather', args: {} } }] }],
    })
    const { response } = await chat.sendMessage([
      { functionResponse: { name: 'get_weather', response: { sky: 'blue' } } },
    ])
    expect(response.text()).toMatch(/^This answer/)
  })

  it('takes the field names of protocol buffers, too', async () => {
    const response = await post('models/gemini-2.5-flash:generateContent', {
      contents: CONTENTS,
      system_instruction: { parts: { text: 'Brief' } },
      generation_config: { max_output_tokens: 2 },
    })
    expect(await response.json()).toMatchObject({ usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 } })
  })

  it('is the same under v1 and with the key in the query, which is not recorded', async () => {
    const response = await fetch(`${simulator.url}/v1/models/gemini-2.5-flash:generateContent?key=${KEY}`, {
      method: 'POST',
      body: JSON.stringify({ contents: CONTENTS }),
    })
    expect(response.status).toBe(200)
    expect(simulator.requests.list()).toMatchObject([
      { apiKey: KEY, path: '/v1/models/gemini-2.5-flash:generateContent', model: 'gemini-2.5-flash' },
    ])
  })

  it('leaves out the usage when a control says so', async () => {
    simulator.controls.add({ omitUsage: true })
    expect((await model.generateContent('Hello!')).response).not.toHaveProperty('usageMetadata')
  })
})

describe('the other methods', () => {
  it('embed one text, and many', async () => {
    const embedder = modelOf('gemini-embedding-001')
    const one = await embedder.embedContent('hello')
    expect(one.embedding.values).toHaveLength(3072)
    const requests = ['hello', 'world'].map((text) => ({ content: { role: 'user', parts: [{ text }] } }))
    const many = await embedder.batchEmbedContents({ requests })
    expect(many.embeddings).toHaveLength(2)
    expect(many.embeddings[0]).toEqual(one.embedding)
  })

  it('count tokens', async () => {
    expect(await model.countTokens('Hello!')).toMatchObject({ totalTokens: 2 })
  })

  it('list and describe models', async () => {
    const headers = { 'x-goog-api-key': KEY }
    const list = await json<{ models: { name: string }[] }>(await fetch(`${simulator.url}/v1beta/models`, { headers }))
    expect(list.models.map(({ name }) => name)).toContain('models/gemini-2.5-flash')
    const one = await json<unknown>(await fetch(`${simulator.url}/v1beta/models/gemini-2.5-flash`, { headers }))
    expect(one).toEqual(list.models.find(({ name }) => name === 'models/gemini-2.5-flash'))
    expect((await fetch(`${simulator.url}/v1beta/models/gemini-0`, { headers })).status).toBe(404)
  })
})

describe('quotas', () => {
  it.each([
    [
      { requests: { limit: 1, period: 'minute' } },
      'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
      'requests',
      '60s',
    ],
    [
      { requests: { limit: 1, period: 'day' } },
      'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
      'requests',
      '86400s',
    ],
    [
      { inputTokens: { limit: 3, period: 'minute' } },
      'GenerateContentInputTokensPerModelPerMinute-FreeTier',
      'input_token_count',
      '20s',
    ],
  ] as const)(
    'names in the 429 which one is used up, and until when: %j',
    async (limits, quotaId, metric, retryDelay) => {
      simulator.accounts.register({ apiKey: KEY, limits })
      await model.generateContent('Hello!')
      const error = await rejection(model.generateContent('Hello!'))
      const quotaMetric = `generativelanguage.googleapis.com/generate_content_free_tier_${metric}`
      expect(error).toMatchObject({ status: 429, message: expect.stringContaining(`Please retry in ${retryDelay}.`) })
      expect(error.errorDetails?.slice(1)).toEqual([
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [
            {
              quotaMetric,
              quotaId,
              quotaDimensions: { location: 'global', model: 'gemini-2.5-flash' },
              quotaValue: expect.stringMatching(/^[13]$/),
            },
          ],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
      ])
    },
  )

  it('are in no header', async () => {
    simulator.accounts.register({ apiKey: KEY, limits: { requests: { limit: 1, period: 'minute' } } })
    for (const status of [200, 429]) {
      const response = await post('models/gemini-2.5-flash:generateContent', { contents: CONTENTS })
      expect(response.status).toBe(status)
      expect([...response.headers.keys()].filter((name) => /limit|retry/.test(name))).toEqual([])
    }
  })

  it('have no retry time for a request that never fits, and on demand only with a stated one', async () => {
    simulator.accounts.register({ apiKey: KEY, limits: { inputTokens: { limit: 1, period: 'minute' } } })
    expect((await rejection(model.generateContent('Hello!'))).errorDetails).toHaveLength(2)
    simulator.controls.add({ fault: { kind: 'rate-limit' } })
    expect((await rejection(model.generateContent('Hello!'))).errorDetails).toBeUndefined()
    simulator.controls.add({ fault: { kind: 'rate-limit', retryAfterMs: 1500 } })
    expect((await rejection(model.generateContent('Hello!'))).errorDetails).toMatchObject([{ retryDelay: '1.5s' }])
  })
})

describe('errors', () => {
  it('refuses a key that is not registered, and a missing one', async () => {
    simulator.accounts.remove(KEY)
    const error = await rejection(model.generateContent('Hello!'))
    expect(error).toMatchObject({ status: 400, errorDetails: [{ reason: 'API_KEY_INVALID' }, {}] })
    const response = await fetch(`${simulator.url}/v1beta/models`)
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ error: { code: 403, status: 'PERMISSION_DENIED' } })
  })

  it.each([
    [500, 'INTERNAL'],
    [503, 'UNAVAILABLE'],
    [403, 'PERMISSION_DENIED'],
  ])('responds with %i as %s when a control says so', async (code, status) => {
    simulator.controls.add({ fault: { kind: 'status', status: code } })
    expect((await rejection(model.generateContent('Hello!'))).status).toBe(code)
    const response = await post('models/gemini-2.5-flash:generateContent', { contents: CONTENTS })
    expect(await response.json()).toMatchObject({ error: { code, status } })
  })
})

describe('failing streams', () => {
  it.each([0, 2])('end with an error after %i chunks', async (afterChunks) => {
    simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks, status: 503 } })
    const { stream, response } = await model.generateContentStream('Hello!')
    await expect(Promise.all([Array.fromAsync(stream), response])).rejects.toBeInstanceOf(GoogleGenerativeAIError)
    const array = await post('models/gemini-2.5-flash:streamGenerateContent', { contents: CONTENTS })
    expect((await json<unknown[]>(array)).at(afterChunks)).toMatchObject({
      error: { code: 503, status: 'UNAVAILABLE' },
    })
  })

  it('break off', async () => {
    simulator.controls.add({ fault: { kind: 'break-mid-stream', afterChunks: 2, partialChunk: true } })
    const { stream, response } = await model.generateContentStream('Hello!')
    await expect(Promise.all([Array.fromAsync(stream), response])).rejects.toThrow('Error reading from the stream')
  })
})

function modelOf(id: string, params: object = {}): GenerativeModel {
  return new GoogleGenerativeAI(KEY).getGenerativeModel({ model: id, ...params }, { baseUrl: simulator.url })
}

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${simulator.url}/v1beta/${path}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function rejection(promise: Promise<unknown>): Promise<GoogleGenerativeAIFetchError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof GoogleGenerativeAIFetchError) return error
  throw new Error('expected an API error', { cause: error })
}

async function json<Body>(response: Response): Promise<Body> {
  return (await response.json()) as Body
}
