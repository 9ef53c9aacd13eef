import { eventually } from '@sluice/testkit'
import OpenAI from 'openai'
import { beforeEach, describe, expect, it } from 'vitest'
import { IMAGE_BASE64, PROMPT, retryAfterOfHeaders } from './native-sdk.ts'
import { startBeforeAll } from './start-before-all.ts'
import { clientOf, collect, raised, textOf } from './unified-client.ts'
import {
  LEVEL_TOOL,
  reasoningSuite,
  structuredOutputSuite,
  type UnifiedConnect,
  type UnifiedControl,
  type UnifiedProvider,
} from './unified-formats.ts'

/** Declares the tests that hold for every provider behind the unified endpoint, with OpenAI's SDK. */
export function unifiedSuite(unified: UnifiedProvider): void {
  const path = startBeforeAll(() => unified.start())

  beforeEach(() => {
    path.simulator.controls.clear()
    path.simulator.requests.clear()
  })

  const connect: UnifiedConnect = async (settings = {}) => {
    const connection = await path.connect(settings)
    const { completions } = clientOf(path).chat
    const request = {
      model: `${connection.settings.name}/${unified.model}`,
      max_tokens: 400,
      messages: [{ role: 'user' as const, content: PROMPT }],
    }
    return { ...connection, completions, request, name: connection.settings.name }
  }
  /** The host of the fault control: STS is left alone. */
  const control: UnifiedControl = (fault) =>
    path.simulator.controls.add(unified.provider === 'aws-bedrock' ? { ...fault, pathPrefix: '/model/' } : fault)

  describe('responses', () => {
    it('come whole, and are charged as they say', async () => {
      const { completions, request, isCharged, name } = await connect()
      const { data, response } = await completions.create(request).withResponse()
      expect(data).toMatchObject({
        object: 'chat.completion',
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant' } }],
      })
      expect(data.choices[0]?.message.content).toMatch(/^This answer comes from a simulated provider/)
      expect(data.usage?.total_tokens).toBeGreaterThan(16)
      expect(response.headers.get('x-sluice-connection')).toBe(name)
      expect(response.headers.get('x-sluice-source')).toBe('upstream')
      await isCharged({ requests: 1, tokens: data.usage?.total_tokens ?? Number.NaN })
    })

    it('come streamed in OpenAI’s order, the same text for the same usage', async () => {
      const { completions, request, isCharged } = await connect()
      const whole = await completions.create(request)
      const chunks = await collect(
        await completions.create({ ...request, stream: true, stream_options: { include_usage: true } }),
      )
      expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
      expect(textOf(chunks)).toBe(whole.choices[0]?.message.content)
      expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(['stop'])
      expect(chunks.at(-1)).toMatchObject({ usage: { total_tokens: whole.usage?.total_tokens } })
      await isCharged({ requests: 2, tokens: 2 * (whole.usage?.total_tokens ?? Number.NaN) })
    })

    it('streamed have no usage unless it is requested', async () => {
      const { completions, request } = await connect()
      const chunks = await collect(await completions.create({ ...request, stream: true }))
      if (unified.provider !== 'groq') for (const chunk of chunks) expect(chunk).not.toHaveProperty('usage')
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
    })

    it('say that they were cut off at the maximum', async () => {
      control({ outputTokens: 50 })
      const { completions, request } = await connect()
      const { choices, usage } = await completions.create({ ...request, max_tokens: 5 })
      expect(choices[0]?.finish_reason).toBe('length')
      expect(usage?.completion_tokens).toBe(5)
    })
  })

  describe('requests', () => {
    it('may have system messages, earlier turns, images, sampling and stop sequences', async () => {
      const { completions, request } = await connect()
      const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${IMAGE_BASE64}` } }
      const { choices } = await completions.create({
        ...request,
        temperature: 0.5,
        stop: ['###'],
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hello.' },
          { role: 'assistant', content: 'Hello!' },
          { role: 'user', content: [{ type: 'text', text: PROMPT }, image] },
        ],
      })
      expect(choices[0]?.finish_reason).toBe('stop')
      const sent = path.simulator.requests.list().at(-1)?.content?.body
      expect(sent).toContain(IMAGE_BASE64)
      expect(sent).toContain('Be brief.')
    })

    it('may demand tools, whole and streamed, and bring their results', async () => {
      const { completions, request } = await connect()
      const demanding = { ...request, tools: [LEVEL_TOOL], tool_choice: 'required' as const }
      const [whole] = (await completions.create(demanding)).choices
      const [streamed] = (await completions.stream(demanding).finalChatCompletion()).choices
      for (const choice of [whole, streamed]) {
        expect(choice?.finish_reason).toBe('tool_calls')
        const [call] = choice?.message.tool_calls ?? []
        if (call?.type !== 'function') throw new Error('no function is called')
        expect(call.function.name).toBe('get_level')
        expect(JSON.parse(call.function.arguments)).toEqual({ gate: expect.any(String) })
      }
      const calls = whole?.message.tool_calls ?? []
      const next = await completions.create({
        ...request,
        tools: [LEVEL_TOOL],
        messages: [
          ...request.messages,
          { role: 'assistant', content: null, tool_calls: calls },
          ...calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '3 m' })),
        ],
      })
      expect(next.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } })
    })

    // Fields of OpenAI's own responses: Groq, to which requests go as they are, takes no annotations.
    if (unified.provider !== 'groq') {
      it('may send back a response as an SDK dumps it, nulls included', async () => {
        const { completions, request } = await connect()
        const demanding = { ...request, tools: [LEVEL_TOOL], tool_choice: 'required' as const }
        const { tool_calls = [] } = (await completions.create(demanding)).choices[0]?.message ?? {}
        const dumped = { role: 'assistant' as const, content: null, refusal: null, audio: null, function_call: null }
        const results = tool_calls.map(({ id }) => ({ role: 'tool' as const, tool_call_id: id, content: '3 m' }))
        for (const annotations of [[], null]) {
          const called = { ...dumped, annotations, tool_calls }
          const said = { ...dumped, content: 'It is 3 m.', annotations, tool_calls: null }
          const messages = [...request.messages, called, ...results, said, ...request.messages]
          const { choices } = await completions.create(asSent({ ...request, tools: [LEVEL_TOOL], messages }))
          expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } })
        }
      })
    }

    if (unified.refuses !== undefined) {
      const { parameter, value } = unified.refuses
      it(`with ${parameter} are refused, and not sent without it`, async () => {
        const { completions, request } = await connect()
        const error = await raised(completions.create({ ...request, [parameter]: value }), OpenAI.BadRequestError)
        expect(error).toMatchObject({ status: 400, code: 'invalid_request', param: parameter })
        expect(path.simulator.requests.counts().total).toBe(0)
      })
    }
  })

  structuredOutputSuite(connect)
  reasoningSuite(unified, connect, control, () => path.simulator.requests.list().at(-1)?.content?.body)

  describe('errors', () => {
    it('of the provider are OpenAI’s typed errors, in its words', async () => {
      const { completions, request, name, isCharged } = await connect()
      const { model, status } = unified.missing
      const missing = await raised(completions.create({ ...request, model: `${name}/${model}` }), OpenAI.APIError)
      expect(missing).toBeInstanceOf(status === 404 ? OpenAI.NotFoundError : OpenAI.BadRequestError)
      control({ times: 1, fault: { kind: 'status', status: 500, message: 'It broke — naïve 🙂.' } })
      await raised(completions.create(request), OpenAI.InternalServerError, /It broke — naïve 🙂\./)
      await isCharged({ requests: 2, tokens: 0 })
    })

    it('429 of the provider says when to come back, if the provider does', async () => {
      control({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 30_000 } })
      const { completions, request, ended } = await connect()
      const error = await raised(completions.create(request), OpenAI.RateLimitError)
      expect(Number(error.headers?.get('retry-after'))).toBe(30)
      await ended('upstream_429')
    })

    it('429 of the gateway says when to come back', async () => {
      const { completions, request } = await connect({ capacity: [{ period: 'minute', requests: 1 }] })
      await completions.create(request)
      const error = await raised(completions.create(request), OpenAI.RateLimitError, /at its capacity of 1 requests/)
      expect(error.code).toBe('capacity_exceeded')
      expect(retryAfterOfHeaders(error.headers)).toBeGreaterThan(50_000)
    })

    it('in mid-stream are raised', async () => {
      const fault = { kind: 'error-mid-stream' as const, afterChunks: 5, status: 500, message: 'It broke.' }
      control({ times: 1, outputTokens: 60, fault })
      const { completions, request, ended } = await connect()
      const texts: string[] = []
      const reading = collect(await completions.create({ ...request, stream: true }), texts)
      await expect(reading).rejects.toThrow(/It broke\./)
      expect(texts.join('')).toMatch(/^This/)
      await ended('upstream_error')
    })

    it('429 in mid-stream is one, too', async () => {
      control({ times: 1, outputTokens: 60, fault: { kind: 'error-mid-stream', afterChunks: 5, status: 429 } })
      const { completions, request, ended } = await connect()
      const reading = collect(await completions.create({ ...request, stream: true }))
      await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError)
      await ended('upstream_429')
    })

    it('are raised where a stream breaks off', async () => {
      const fault = { kind: 'break-mid-stream' as const, afterChunks: 5, partialChunk: true }
      control({ times: 1, outputTokens: 60, fault })
      const { completions, request, ended, isSettled } = await connect()
      const texts: string[] = []
      const reading = collect(await completions.create({ ...request, stream: true }), texts)
      await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError)
      expect(texts.join('')).toMatch(/^This/)
      await ended('upstream_error')
      expect((await isSettled()).requests).toBe(1)
    })
  })

  it('an abort in the middle of a stream ends the upstream call', async () => {
    control({ chunkDelayMs: 30, outputTokens: 1_000 })
    const { completions, request, ended } = await connect()
    const stream = await completions.create({ ...request, max_tokens: 2_000, stream: true })
    for await (const _ of stream) stream.controller.abort()
    await eventually(() => expect(path.simulator.requests.list().at(-1)?.outcome).toBe('client-disconnected'))
    await ended('aborted')
  })

  it(unified.embeddingModel === undefined ? 'has no embeddings, and says so' : 'embeds', async () => {
    const { name } = await connect()
    const { embeddings } = clientOf(path)
    if (unified.embeddingModel === undefined) {
      await raised(embeddings.create({ model: `${name}/${unified.model}`, input: PROMPT }), OpenAI.NotFoundError)
      return
    }
    const model = `${name}/${unified.embeddingModel}`
    const asFloats = await embeddings.create({ model, input: PROMPT, encoding_format: 'float' })
    const asBase64 = await embeddings.create({ model, input: PROMPT })
    expect(asFloats.data[0]?.embedding.length).toBeGreaterThan(8)
    for (const [index, value] of (asBase64.data[0]?.embedding ?? []).entries()) {
      expect(value).toBeCloseTo(asFloats.data[0]?.embedding[index] ?? Number.NaN, 5)
    }
  })
}

/** A request of more than OpenAI's types allow; those of its SDK for Python allow it. */
function asSent(request: object) {
  return request as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming
}
