import { type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { googleUnified } from '../src/google/adapter.ts'
import { googleModels } from '../src/google/models.ts'
import type { NativeCall, UnifiedOperation, UnifiedRequest } from '../src/unified-api.ts'
import { HELLO, nativeCall, unifiedRequest } from './fixtures/google/unified-request.ts'

const KEY = 'AIza-test'
const TOOL = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
} as const

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'google', accounts: [{ apiKey: KEY }] })
})
afterEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

/** OpenAI's SDK, with the translation and the simulated provider in place of its own server. */
const openai = new OpenAI({
  apiKey: 'sk-test',
  maxRetries: 0,
  fetch: async (url, init) => {
    const request = unifiedRequest(JSON.parse(String(init?.body)), {
      model: String(url).endsWith('/embeddings') ? 'gemini-embedding-001' : 'gemini-2.5-flash',
    })
    return translatedFetch(googleUnified[String(url).endsWith('/embeddings') ? 'embeddings' : 'chat'], request)
  },
})

describe("with OpenAI's SDK", () => {
  it('a chat completion is answered', async () => {
    const answer = await openai.chat.completions.create({
      model: 'prod/gemini',
      messages: [
        { role: 'system', content: 'Brief.' },
        { role: 'user', content: 'Hello!' },
      ],
      max_completion_tokens: 9,
      temperature: 1,
      stop: ['x'],
      seed: 4,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
    })
    expect(answer.choices).toMatchObject([{ message: { content: '{}' }, finish_reason: 'stop' }])
    expect(answer.usage).toMatchObject({
      prompt_tokens: 3,
      completion_tokens: 9,
      completion_tokens_details: { reasoning_tokens: 8 },
    })
  })

  it('a streamed one has the same text and usage', async () => {
    const request = { model: 'prod/gemini', messages: [{ role: 'user' as const, content: 'Hello!' }] }
    const whole = await openai.chat.completions.create(request)
    const stream = openai.chat.completions.stream({ ...request, stream_options: { include_usage: true } })
    const { choices, usage } = await stream.finalChatCompletion()
    expect(choices[0]).toMatchObject({
      message: { content: whole.choices[0]?.message.content },
      finish_reason: 'stop',
    })
    expect(usage).toEqual(whole.usage)
  })

  it.each([false, true])('a tool is called and answered (streamed: %s)', async (streamed) => {
    const first = {
      model: 'prod/gemini',
      messages: [{ role: 'user' as const, content: 'Hello!' }],
      tools: [TOOL],
      tool_choice: 'required' as const,
    }
    const answer = streamed
      ? await openai.chat.completions.stream(first).finalChatCompletion()
      : await openai.chat.completions.create(first)
    const message = answer.choices[0]?.message
    expect(message?.tool_calls).toMatchObject([
      { id: 'call_a1_0', type: 'function', function: { name: 'weather', arguments: '{"city":"simulated"}' } },
    ])
    if (message === undefined) throw new Error('no message')
    const second = await openai.chat.completions.create({
      ...first,
      messages: [...first.messages, message, { role: 'tool', tool_call_id: 'call_a1_0', content: 'rain' }],
      tool_choice: 'auto',
    })
    expect(second.choices[0]).toMatchObject({ message: { content: expect.stringMatching(/^This answer/) } })
  })

  it('an image is taken', async () => {
    const url = 'data:image/png;base64,iVBORw0KGgo='
    const answer = await openai.chat.completions.create({
      model: 'prod/gemini',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url, detail: 'low' } }] }],
    })
    expect(answer.choices[0]?.finish_reason).toBe('stop')
  })

  it.each([0, 2])('an error after %i chunks of a stream is raised, in its own words', async (afterChunks) => {
    simulator.controls.add({ fault: { kind: 'error-mid-stream', afterChunks, status: 503 } })
    const stream = await openai.chat.completions.create({
      model: 'prod/gemini',
      messages: [{ role: 'user', content: 'Hello!' }],
      stream: true,
    })
    await expect(drained(stream)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('overloaded'),
    })
  })

  it('embeddings are listed', async () => {
    const answer = await openai.embeddings.create({ model: 'prod/embed', input: ['a', 'b'], dimensions: 4 })
    expect(answer.data.map(({ embedding }) => embedding.length)).toEqual([4, 4])
    expect(answer).not.toHaveProperty('usage')
  })
})

it('models are listed', async () => {
  const response = await fetch(`${simulator.url}${googleModels.path}?${googleModels.query}`, {
    headers: { 'x-goog-api-key': KEY },
  })
  expect(googleModels.read(await response.json())?.models).toContainEqual({ id: 'gemini-2.5-pro' })
})

it("an error keeps the provider's message and code", async () => {
  simulator.controls.add({ fault: { kind: 'status', status: 503 } })
  const { request, response: translation } = googleUnified.chat
  const call = nativeCall(request(unifiedRequest({ messages: HELLO })))
  const response = await send(call)
  const error = translation(call.requested).error(response.status, Buffer.from(await response.arrayBuffer()), {})
  expect(error).toEqual({ message: expect.stringContaining('overloaded'), code: 'UNAVAILABLE' })
})

async function translatedFetch(
  { request, response: translation }: UnifiedOperation,
  unified: UnifiedRequest,
): Promise<Response> {
  const call = nativeCall(request(unified))
  const response = await send(call)
  if (!response.ok) throw new Error(await response.text())
  const translator = translation(call.requested).translator(response.headers.get('content-type') ?? '')
  const passed = translator.push(Buffer.from(await response.arrayBuffer()))
  return new Response(Buffer.concat([passed, translator.end() ?? Buffer.alloc(0)]), {
    headers: { 'content-type': translator.contentType ?? '' },
  })
}

async function drained(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

function send({ path, query, headers, body }: NativeCall): Promise<Response> {
  return fetch(`${simulator.url}${path}?${query}`, {
    method: 'POST',
    headers: { ...headers, 'x-goog-api-key': KEY },
    body: new Uint8Array(body),
  })
}
