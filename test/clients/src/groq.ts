import Groq from 'groq-sdk'
import {
  type Client,
  type ClientUnderTest,
  LEVEL_JSON_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  readSdkError,
  SDK_ERRORS,
  TOOL,
} from './client.ts'

const ASKED = { role: 'user' as const, content: PROMPT }

/** The official SDK. */
export const groq: ClientUnderTest = {
  title: 'groq-sdk',
  provider: 'groq',
  surface: 'native',
  model: MODELS.groq,
  errors: SDK_ERRORS,
  retries: 'as requested',
  readError: readSdkError,
  create: ({ baseURL, apiKey, model, maxRetries }): Client => {
    const client = new Groq({ apiKey, baseURL, ...(maxRetries !== undefined && { maxRetries }) })
    const { completions } = client.chat
    const asking = { model, max_completion_tokens: MAX_OUTPUT_TOKENS, messages: [ASKED] }
    const responseOf = (text: string | null | undefined, usage: Groq.CompletionUsage | null | undefined) => ({
      text: text ?? '',
      inputTokens: usage?.prompt_tokens,
      outputTokens: usage?.completion_tokens,
    })
    return {
      ask: async () => {
        const { choices, usage } = await completions.create(asking)
        return responseOf(choices[0]?.message.content, usage)
      },
      stream: async (onText, signal) => {
        let all = ''
        let usage: Groq.CompletionUsage | null | undefined
        const stream = await completions.create({ ...asking, stream: true }, { ...(signal && { signal }) })
        for await (const { choices, x_groq } of stream) {
          const text = choices[0]?.delta.content ?? ''
          all += text
          if (text !== '') onText?.(text)
          usage = x_groq?.usage ?? usage
        }
        return responseOf(all, usage)
      },
      // The SDK has no helper for tools: its documentation loops by hand.
      useTool: async (how) => {
        const calls: unknown[] = []
        const { name, description, jsonSchema: parameters } = TOOL
        const tools = [{ type: 'function' as const, function: { name, description, parameters } }]
        const messages: Groq.Chat.ChatCompletionMessageParam[] = [ASKED]
        let tokens = 0
        for (;;) {
          const { message, usage } =
            how === 'plain'
              ? await wholeOf(completions.create({ ...asking, messages, tools }))
              : await gathered(completions.create({ ...asking, messages, tools, stream: true }))
          tokens += usage?.total_tokens ?? Number.NaN
          if (!message.tool_calls?.length) return { calls, text: message.content ?? '', tokens }
          messages.push({ role: 'assistant', tool_calls: message.tool_calls })
          for (const { id, function: called } of message.tool_calls) {
            calls.push(JSON.parse(called.arguments))
            messages.push({ role: 'tool', tool_call_id: id, content: TOOL.result })
          }
        }
      },
      structured: async () => {
        const json_schema = { name: 'level', schema: LEVEL_JSON_SCHEMA }
        const response_format = { type: 'json_schema' as const, json_schema }
        const { choices } = await completions.create({ ...asking, response_format })
        return JSON.parse(choices[0]?.message.content ?? '')
      },
    }
  },
}

type GroqMessage = Pick<Groq.Chat.ChatCompletionMessage, 'content' | 'tool_calls'>

async function wholeOf(responding: Promise<Groq.Chat.ChatCompletion>) {
  const { choices, usage } = await responding
  const message: GroqMessage = choices[0]?.message ?? { content: null }
  return { message, usage }
}

async function gathered(responding: Promise<AsyncIterable<Groq.Chat.ChatCompletionChunk>>) {
  const calls: Groq.Chat.ChatCompletionMessageToolCall[] = []
  let content = ''
  let usage: Groq.CompletionUsage | null | undefined
  for await (const { choices, x_groq } of await responding) {
    const delta = choices[0]?.delta
    content += delta?.content ?? ''
    for (const { index, id, function: called } of delta?.tool_calls ?? []) {
      const begun = { id: id ?? '', type: 'function' as const, function: { name: '', arguments: '' } }
      const call = calls[index] ?? begun
      calls[index] = call
      call.function.name += called?.name ?? ''
      call.function.arguments += called?.arguments ?? ''
    }
    usage = x_groq?.usage ?? usage
  }
  const message: GroqMessage = { content, tool_calls: calls }
  return { message, usage }
}
