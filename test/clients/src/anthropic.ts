import Anthropic from '@anthropic-ai/sdk'
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod'
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod'
import {
  type Client,
  type ClientUnderTest,
  LEVEL_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  readSdkError,
  SDK_ERRORS,
  TOOL,
} from './client.ts'

const ASKED = { role: 'user' as const, content: PROMPT }

/** The official SDK, with its helpers for streams, tools and schemas. */
export const anthropic: ClientUnderTest = {
  title: '@anthropic-ai/sdk',
  provider: 'anthropic',
  surface: 'native',
  model: MODELS.anthropic,
  errors: SDK_ERRORS,
  retries: 'as requested',
  readError: readSdkError,
  create: ({ baseURL, apiKey, model, maxRetries }): Client => {
    const client = new Anthropic({ apiKey, baseURL, ...(maxRetries !== undefined && { maxRetries }) })
    const asking = { model, max_tokens: MAX_OUTPUT_TOKENS, messages: [ASKED] }
    return {
      ask: async () => anthropicResponse(await client.messages.create(asking)),
      stream: async (onText, signal) => {
        const stream = client.messages.stream(asking, { ...(signal && { signal }) })
        stream.on('text', (text) => onText?.(text))
        return anthropicResponse(await stream.finalMessage())
      },
      useTool: async (how) => {
        const calls: unknown[] = []
        const run = async (args: { gate: string }) => {
          calls.push(args)
          return TOOL.result
        }
        const tools = [betaZodTool({ name: TOOL.name, description: TOOL.description, inputSchema: TOOL.schema, run })]
        const messages: Anthropic.Beta.BetaMessage[] = []
        if (how === 'plain') {
          for await (const message of client.beta.messages.toolRunner({ ...asking, tools })) messages.push(message)
        } else {
          for await (const stream of client.beta.messages.toolRunner({ ...asking, tools, stream: true })) {
            messages.push(await stream.finalMessage())
          }
        }
        const responses = messages.map(anthropicResponse)
        const tokens = responses.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
        return { calls, text: responses.at(-1)?.text ?? '', tokens }
      },
      structured: async () => {
        const output_config = { format: zodOutputFormat(LEVEL_SCHEMA) }
        return (await client.messages.parse({ ...asking, output_config })).parsed_output
      },
    }
  },
}

function anthropicResponse({
  content,
  usage,
}: Pick<Anthropic.Beta.BetaMessage | Anthropic.Message, 'content' | 'usage'>) {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  return { text, inputTokens: usage.input_tokens, outputTokens: usage.output_tokens }
}
