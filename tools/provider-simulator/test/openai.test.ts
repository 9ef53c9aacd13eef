import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const SEED = { headers: { 'x-simulator-seed': 'one' } }
const MESSAGES = [{ role: 'user' as const, content: 'Hello!' }]
const WEATHER_PARAMETERS = {
  type: 'object',
  properties: { location: { type: 'string' }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
}

let simulator: ProviderSimulator
let client: OpenAI

beforeAll(async () => {
  simulator = await startProviderSimulator({ accounts: [{ apiKey: 'sk-test' }] })
  client = new OpenAI({ apiKey: 'sk-test', baseURL: simulator.openaiBaseUrl, maxRetries: 0 })
})
afterAll(() => simulator.stop())

describe('chat completions, through the official SDK', () => {
  it('responds with text and usage', async () => {
    const completion = await client.chat.completions.create({ model: 'gpt-4o', messages: MESSAGES })
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-4o-2024-08-06',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant' } }],
      usage: { prompt_tokens: 2, completion_tokens: 16, total_tokens: 18 },
    })
    expect(completion.choices[0]?.message.content?.split(' ')).toHaveLength(16)
  })

  it('ends at the maximum that the caller states', async () => {
    const { choices, usage } = await client.chat.completions.create({
      model: 'gpt-5-nano',
      messages: MESSAGES,
      max_completion_tokens: 3,
    })
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'This answer comes' } })
    expect(usage?.completion_tokens).toBe(3)
  })

  it('has the length that a header requests', async () => {
    const { usage } = await client.chat.completions.create(
      { model: 'gpt-4o', messages: MESSAGES },
      { headers: { 'x-simulator-output-tokens': '321' } },
    )
    expect(usage?.completion_tokens).toBe(321)
  })

  it('streams the same text, with the usage in an extra last chunk on request', async () => {
    const whole = await client.chat.completions.create({ model: 'gpt-4o', messages: MESSAGES })
    const stream = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: MESSAGES,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await Array.fromAsync(stream)
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(chunks.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: null })
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
  })

  it('streams no usage if not requested', async () => {
    const stream = await client.chat.completions.create({ model: 'gpt-4o', messages: MESSAGES, stream: true })
    const chunks = await Array.fromAsync(stream)
    expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false)
    expect(chunks.every(({ choices }) => choices.length === 1)).toBe(true)
  })

  it('calls the tool that the request demands, whole and streamed alike', async () => {
    const request = {
      model: 'gpt-4o',
      messages: MESSAGES,
      tools: [{ type: 'function' as const, function: { name: 'get_weather', parameters: WEATHER_PARAMETERS } }],
      tool_choice: 'required' as const,
    }
    const whole = await client.chat.completions.create(request)
    const call = { name: 'get_weather', arguments: '{"location":"simulated","unit":"celsius"}' }
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ type: 'function', function: call }] },
    })
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    expect(streamed.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: call }] },
    })
  })

  it('responds with text if the tool is optional', async () => {
    const { choices } = await client.chat.completions.create({
      model: 'gpt-4o',
      messages: MESSAGES,
      tools: [{ type: 'function', function: { name: 'get_weather', parameters: WEATHER_PARAMETERS } }],
    })
    expect(choices[0]?.finish_reason).toBe('stop')
  })

  it('is the same byte for byte with one seed, and has its own ids without', async () => {
    const request = { model: 'gpt-4o', messages: MESSAGES }
    const text = async (options: typeof SEED | undefined) =>
      (await client.chat.completions.create(request, options).asResponse()).text()
    expect(await text(SEED)).toBe(await text(SEED))
    expect(await text(undefined)).not.toBe(await text(undefined))
  })
})

describe('the other endpoints, through the official SDK', () => {
  it('embeds texts, as base64 and as numbers', async () => {
    const request = { model: 'text-embedding-3-small', input: ['hello', 'world'], dimensions: 64 }
    const asBase64 = await client.embeddings.create(request)
    const asNumbers = await client.embeddings.create({ ...request, encoding_format: 'float' })
    expect(asBase64.data).toEqual(asNumbers.data)
    expect(asBase64.data[1]?.embedding).toHaveLength(64)
    expect(asBase64.usage).toEqual({ prompt_tokens: 4, total_tokens: 4 })
  })

  it('lists and describes models', async () => {
    const models = await Array.fromAsync(client.models.list())
    expect(models.map(({ id }) => id)).toContain('gpt-4o')
    expect(await client.models.retrieve('gpt-4o')).toMatchObject({ id: 'gpt-4o', object: 'model' })
    await expect(client.models.retrieve('gpt-0')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
  })

  it('responds over the Responses API, whole and streamed alike', async () => {
    const request = { model: 'gpt-5', input: 'Hello!', instructions: 'Be brief' }
    const whole = await client.responses.create(request, SEED)
    expect(whole).toMatchObject({ status: 'completed', usage: { input_tokens: 4, output_tokens: 16 } })
    expect(whole.output_text.split(' ')).toHaveLength(16)

    const events = await Array.fromAsync(await client.responses.create({ ...request, stream: true }, SEED))
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
    expect([...new Set(events.map(({ type }) => type))]).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    const last = events.at(-1)
    if (last?.type !== 'response.completed') throw new Error('the last event holds the response')
    // The SDK adds fields that are not in the event.
    const { output_text: _, _request_id: __, ...sent } = whole
    expect(last.response).toEqual(sent)
  })

  it('ends a response at the maximum that the caller states', async () => {
    const response = await client.responses.create({ model: 'gpt-5', input: 'Hello!', max_output_tokens: 2 })
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output_text: 'This answer',
    })
  })

  it('calls the function that a response demands', async () => {
    const stream = client.responses.stream({
      model: 'gpt-5',
      input: 'Hello!',
      tools: [{ type: 'function', name: 'get_weather', parameters: WEATHER_PARAMETERS, strict: false }],
      tool_choice: { type: 'function', name: 'get_weather' },
    })
    const { output } = await stream.finalResponse()
    expect(output).toMatchObject([
      { type: 'function_call', name: 'get_weather', arguments: '{"location":"simulated","unit":"celsius"}' },
    ])
  })

  it('completes a legacy prompt, whole and streamed alike', async () => {
    const request = { model: 'babbage-002', prompt: 'Hello!', max_tokens: 4 }
    const whole = await client.completions.create(request)
    expect(whole.choices[0]).toMatchObject({ text: 'This answer comes from', finish_reason: 'length' })
    const stream = await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks = await Array.fromAsync(stream)
    expect(chunks.map(({ choices }) => choices[0]?.text ?? '').join('')).toBe(whole.choices[0]?.text)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage })
  })
})
