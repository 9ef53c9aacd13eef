import type { ProviderId } from '@sluice/contracts'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { describe, expect, it } from 'vitest'
import {
  type ClientUnderTest,
  EMBEDDINGS,
  LEVEL_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  readSdkError,
  SDK_ERRORS,
  TOOL,
} from './client.ts'
import { clientSuite } from './client-suite.ts'
import { useSystem } from './start-system.ts'

const system = useSystem()
const MESSAGES = [{ role: 'user' as const, content: PROMPT }]

clientSuite(openai('openai', 'native'), system)
for (const provider of ['openai', 'anthropic', 'google', 'groq', 'aws-bedrock'] as const) {
  clientSuite(openai(provider, 'unified'), system)
}

describe('openai, at OpenAI itself', () => {
  const connect = async () => {
    const connection = await system().connect({ provider: 'openai' })
    const baseURL = `${system().gatewayUrl}/connections/${connection.name}/v1`
    return { connection, client: new OpenAI({ apiKey: connection.apiKey, baseURL, maxRetries: 0 }) }
  }

  it('gets responses, plain and with its stream helper, and is charged the reported usage', async () => {
    const { connection, client } = await connect()
    const asking = { model: MODELS.openai, input: PROMPT }
    const whole = await client.responses.create(asking)
    const streamed = await client.responses.stream(asking).finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
    const tokens = 2 * (whole.usage?.total_tokens ?? Number.NaN)
    expect(await connection.charged()).toEqual({ requests: 2, tokens })
  })

  it('lists models natively and through the unified endpoint', async () => {
    const { connection, client } = await connect()
    const { apiKey, name } = connection
    const unified = new OpenAI({ apiKey, baseURL: `${system().gatewayUrl}/v1` })
    expect((await client.models.list()).data.map(({ id }) => id)).toContain(MODELS.openai)
    expect((await unified.models.list()).data.map(({ id }) => id)).toContain(`${name}/${MODELS.openai}`)
  })
})

/** The official SDK, by its README, with its helpers for tools, streams and schemas. */
function openai(provider: ProviderId, surface: 'native' | 'unified'): ClientUnderTest {
  const embedding = EMBEDDINGS[provider]
  return {
    title: surface === 'native' ? 'openai' : `openai, unified, ${provider}`,
    provider,
    surface,
    model: MODELS[provider],
    ...(embedding && { embedding }),
    errors: SDK_ERRORS,
    retries: 'as requested',
    readError: readSdkError,
    create: ({ baseURL, apiKey, model, embeddingModel, maxRetries }) => {
      const client = new OpenAI({
        apiKey,
        baseURL: surface === 'native' ? `${baseURL}/v1` : baseURL,
        ...(maxRetries !== undefined && { maxRetries }),
      })
      const asking = { model, messages: MESSAGES, max_tokens: MAX_OUTPUT_TOKENS }
      return {
        ask: async () => responseOf(await client.chat.completions.create(asking)),
        stream: async (onText, signal) => {
          const options = { stream_options: { include_usage: true } }
          const stream = client.chat.completions.stream({ ...asking, ...options }, { ...(signal && { signal }) })
          for await (const chunk of stream) {
            const text = chunk.choices[0]?.delta.content
            if (text) onText?.(text)
          }
          return responseOf(await stream.finalChatCompletion())
        },
        useTool: async (how) => {
          const calls: unknown[] = []
          const params = { ...asking, tools: [toolCalling(calls)] }
          const streaming = { stream: true as const, stream_options: { include_usage: true } }
          const { completions } = client.chat
          const runner =
            how === 'plain' ? completions.runTools(params) : completions.runTools({ ...params, ...streaming })
          return { calls, text: (await runner.finalContent()) ?? '', tokens: (await runner.totalUsage()).total_tokens }
        },
        structured: async () => {
          const format = { response_format: zodResponseFormat(LEVEL_SCHEMA, 'level') }
          return (await client.chat.completions.parse({ ...asking, ...format })).choices[0]?.message.parsed
        },
        embed: async (input) => {
          const { data } = await client.embeddings.create({ model: embeddingModel, input })
          return data.map(({ embedding }) => embedding)
        },
      }
    },
  }
}

function toolCalling(calls: unknown[]) {
  return {
    type: 'function' as const,
    function: {
      name: TOOL.name,
      description: TOOL.description,
      parameters: TOOL.jsonSchema,
      parse: JSON.parse,
      function: (args: unknown) => {
        calls.push(args)
        return TOOL.result
      },
    },
  }
}

function responseOf({ choices, usage }: OpenAI.ChatCompletion) {
  return {
    text: choices[0]?.message.content ?? '',
    inputTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
  }
}
