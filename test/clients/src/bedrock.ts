import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  InvokeModelCommand,
  type Message,
  type TokenUsage,
} from '@aws-sdk/client-bedrock-runtime'
import {
  type Client,
  type ClientUnderTest,
  EMBEDDINGS,
  LEVEL_JSON_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  readAwsError,
  TOOL,
} from './client.ts'

/** The AWS SDK, over HTTP/2 as it speaks to any `http` endpoint. */
export const bedrock: ClientUnderTest = {
  title: '@aws-sdk/client-bedrock-runtime',
  provider: 'aws-bedrock',
  surface: 'native',
  model: MODELS['aws-bedrock'],
  ...(EMBEDDINGS['aws-bedrock'] && { embedding: EMBEDDINGS['aws-bedrock'] }),
  errors: { 401: 'UnrecognizedClientException', 404: 'ResourceNotFoundException', 429: 'ThrottlingException' },
  retries: 'with its own back-off',
  readError: readAwsError,
  create: ({ baseURL: endpoint, apiKey, model: modelId, embeddingModel, maxRetries }): Client => {
    const client = new BedrockRuntimeClient({
      region: 'eu-central-1',
      endpoint,
      token: { token: apiKey },
      authSchemePreference: ['httpBearerAuth'],
      ...(maxRetries !== undefined && { maxAttempts: maxRetries + 1 }),
    })
    const asking = {
      modelId,
      messages: [{ role: 'user' as const, content: [{ text: PROMPT }] }],
      inferenceConfig: { maxTokens: MAX_OUTPUT_TOKENS },
    }
    const responseOf = (message: Message | undefined, usage: TokenUsage | undefined) => ({
      text: (message?.content ?? []).map(({ text = '' }) => text).join(''),
      inputTokens: usage?.inputTokens,
      outputTokens: usage?.outputTokens,
    })
    const ask = async (input: ConverseCommandInput) => {
      const { output, usage } = await client.send(new ConverseCommand(input))
      return { message: output?.message, usage }
    }
    return {
      ask: async () => {
        const { message, usage } = await ask(asking)
        return responseOf(message, usage)
      },
      stream: async (onText, signal) => {
        const { message, usage } = await converseStreamed(client, asking, onText, signal)
        return responseOf(message, usage)
      },
      useTool: async (how) => {
        const calls: unknown[] = []
        const { name, description, jsonSchema: json } = TOOL
        const toolConfig = { tools: [{ toolSpec: { name, description, inputSchema: { json } } }] }
        const messages: Message[] = [...asking.messages]
        let tokens = 0
        for (;;) {
          const input = { ...asking, messages, toolConfig }
          const { message, usage } = how === 'plain' ? await ask(input) : await converseStreamed(client, input)
          tokens += usage?.totalTokens ?? Number.NaN
          const used = (message?.content ?? []).flatMap(({ toolUse }) => toolUse ?? [])
          if (message === undefined || used.length === 0)
            return { calls, text: responseOf(message, usage).text, tokens }
          calls.push(...used.map(({ input }) => input))
          const content = used.map(({ toolUseId }) => ({
            toolResult: { toolUseId, content: [{ text: TOOL.result }] },
          }))
          messages.push(message, { role: 'user', content })
        }
      },
      structured: async () => {
        const jsonSchema = { name: 'level', schema: JSON.stringify(LEVEL_JSON_SCHEMA) }
        const outputConfig = { textFormat: { type: 'json_schema' as const, structure: { jsonSchema } } }
        const { message } = await ask({ ...asking, outputConfig })
        return JSON.parse(responseOf(message, undefined).text)
      },
      embed: (texts) =>
        Promise.all(
          texts.map(async (inputText) => {
            const body = JSON.stringify({ inputText })
            const input = { modelId: embeddingModel, contentType: 'application/json', body }
            const { body: bytes } = await client.send(new InvokeModelCommand(input))
            return JSON.parse(bytes.transformToString()).embedding
          }),
        ),
    }
  },
}

/** Reads a conversation's stream and returns the message. */
async function converseStreamed(
  client: BedrockRuntimeClient,
  input: ConverseCommandInput,
  onText?: (text: string) => void,
  signal?: AbortSignal,
) {
  const options = { ...(signal && { abortSignal: signal }) }
  const { stream = [] } = await client.send(new ConverseStreamCommand(input), options)
  let text = ''
  let toolUse: { toolUseId: string | undefined; name: string | undefined; json: string } | undefined
  let usage: TokenUsage | undefined
  for await (const { contentBlockStart, contentBlockDelta, metadata } of stream) {
    const begun = contentBlockStart?.start?.toolUse
    if (begun !== undefined) toolUse = { toolUseId: begun.toolUseId, name: begun.name, json: '' }
    if (contentBlockDelta?.delta?.toolUse && toolUse) toolUse.json += contentBlockDelta.delta.toolUse.input ?? ''
    const piece = contentBlockDelta?.delta?.text
    if (piece) {
      text += piece
      onText?.(piece)
    }
    usage = metadata?.usage ?? usage
  }
  const content: Message['content'] =
    toolUse === undefined
      ? [{ text }]
      : [{ toolUse: { toolUseId: toolUse.toolUseId, name: toolUse.name, input: JSON.parse(toolUse.json) } }]
  const message: Message = { role: 'assistant', content }
  return { message, usage }
}
