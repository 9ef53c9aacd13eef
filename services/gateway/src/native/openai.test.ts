import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { IMAGE_BASE64, type NativeSdk, PROMPT, type Question, retryAfterOfHeaders } from '../testing/native-sdk.ts'
import { nativeSuite } from '../testing/native-suite.ts'

const MODEL = 'gpt-4.1-mini'
const ERRORS = {
  400: OpenAI.BadRequestError,
  401: OpenAI.AuthenticationError,
  404: OpenAI.NotFoundError,
  429: OpenAI.RateLimitError,
  500: OpenAI.InternalServerError,
}
const sdk: NativeSdk = {
  provider: 'openai',
  model: MODEL,
  connect: (baseURL, apiKey) => {
    const { completions } = clientOf(baseURL, apiKey).chat
    return {
      ask: async (question = {}) => answerOf(await completions.create(request(question), options(question))),
      async *stream(question = {}) {
        const chunks = await completions.create({ ...request(question), stream: true }, options(question))
        for await (const { choices } of chunks) if (choices[0]?.delta.content) yield choices[0].delta.content
      },
    }
  },
  askPatiently: async (baseURL, apiKey) =>
    answerOf(await clientOf(baseURL, apiKey, { maxRetries: 1 }).chat.completions.create(request({}))),
  errorType: (status) => ERRORS[status],
  streamError: /It broke\./,
  retryAfterMs: (error) => retryAfterOfHeaders((error as InstanceType<typeof OpenAI.APIError>).headers),
}

const { path, connect } = nativeSuite(sdk)

async function connected() {
  const { baseURL, isCharged } = await connect()
  return { client: clientOf(baseURL, path().apiKey), isCharged }
}

describe('tools', () => {
  const parameters = { type: 'object', properties: { gate: { type: 'string' } }, required: ['gate'] }
  const forced = {
    model: MODEL,
    tools: [{ type: 'function' as const, function: { name: 'get_level', parameters } }],
    tool_choice: 'required' as const,
    messages: [{ role: 'user' as const, content: PROMPT }],
  }

  it('are called, and take their results', async () => {
    const { completions } = (await connected()).client.chat
    const [choice] = (await completions.create(forced)).choices
    expect(choice?.finish_reason).toBe('tool_calls')
    const [call] = choice?.message.tool_calls ?? []
    if (choice === undefined || call?.type !== 'function') throw new Error('no function is called')
    expect(JSON.parse(call.function.arguments)).toEqual({ gate: expect.any(String) })
    const result = { role: 'tool' as const, tool_call_id: call.id, content: '3 m' }
    const messages = [...forced.messages, choice.message, result]
    const next = await completions.create({ ...forced, tool_choice: 'auto', messages })
    expect(next.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } })
  })

  it('are called in a stream', async () => {
    const { client } = await connected()
    const [choice] = (await client.chat.completions.stream(forced).finalChatCompletion()).choices
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: { name: 'get_level', arguments: expect.stringContaining('"gate"') } }] },
    })
  })
})

it('takes images', async () => {
  const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${IMAGE_BASE64}` } }
  const content = [image, { type: 'text' as const, text: PROMPT }]
  await (await connected()).client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content }] })
  expect(JSON.parse(path().simulator.requests.list()[0]?.content?.body ?? '').messages[0].content).toEqual(content)
})

it('sees the usage in a stream where it asks for it, and only there', async () => {
  const { completions } = (await connected()).client.chat
  const chunksOf = async (asked: object) => {
    const chunks: object[] = []
    for await (const chunk of await completions.create({ ...request({}), ...asked, stream: true })) chunks.push(chunk)
    return chunks
  }
  for (const chunk of await chunksOf({})) expect(chunk).not.toHaveProperty('usage')
  const asked = await chunksOf({ stream_options: { include_usage: true } })
  expect(asked.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 16 } })
})

it('gets responses, plain and streamed, which are charged as they say', async () => {
  const { client, isCharged } = await connected()
  const response = await client.responses.create({ model: MODEL, input: PROMPT })
  expect(response.output_text).toMatch(/^This/)
  let streamed: OpenAI.Responses.ResponseStreamEvent | undefined
  for await (const event of await client.responses.create({ model: MODEL, input: PROMPT, stream: true })) {
    streamed = event
  }
  expect(streamed?.type).toBe('response.completed')
  await isCharged({ requests: 2, tokens: 2 * (response.usage?.total_tokens ?? Number.NaN) })
})

it('embeds, and lists models, which costs no tokens', async () => {
  const { client, isCharged } = await connected()
  const { data, usage } = await client.embeddings.create({ model: 'text-embedding-3-small', input: PROMPT })
  expect(data[0]?.embedding.length).toBeGreaterThan(0)
  expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODEL)
  await isCharged({ requests: 2, tokens: usage.total_tokens })
})

function clientOf(baseURL: string, apiKey: string, { maxRetries = 0 } = {}) {
  return new OpenAI({ baseURL: `${baseURL}/v1`, apiKey, maxRetries })
}

function request({ model = MODEL, empty = false }: Question) {
  return { model, max_tokens: 2_000, messages: empty ? [] : [{ role: 'user' as const, content: PROMPT }] }
}

function options({ signal }: Question) {
  return signal === undefined ? {} : { signal }
}

function answerOf({ choices, usage }: OpenAI.Chat.ChatCompletion) {
  return {
    text: choices[0]?.message.content ?? '',
    inputTokens: usage?.prompt_tokens ?? Number.NaN,
    outputTokens: usage?.completion_tokens ?? Number.NaN,
  }
}
