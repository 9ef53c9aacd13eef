import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'
import { ChatAnthropic } from '@langchain/anthropic'
import { BedrockEmbeddings, ChatBedrockConverse } from '@langchain/aws'
import type { EmbeddingsInterface } from '@langchain/core/embeddings'
import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
import {
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings } from '@langchain/google-genai'
import { ChatGroq } from '@langchain/groq'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import type { ProviderId } from '@sluice/contracts'
import { z } from 'zod'
import {
  type Access,
  type Client,
  type ClientUnderTest,
  EMBEDDINGS,
  LEVEL_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  readAwsError,
  readSdkError,
  SDK_ERRORS,
  TOOL,
} from './client.ts'
import { clientSuite } from './client-suite.ts'
import { useSystem } from './start-system.ts'

/** LangChain with one of its provider packages, which are all used alike. */
interface Integration
  extends Pick<ClientUnderTest, 'title' | 'provider' | 'surface' | 'retries' | 'streamSurplusTokens'>,
    Partial<Pick<ClientUnderTest, 'errors' | 'readError'>> {
  readonly models: (access: Access) => { readonly chat: BaseChatModel; readonly embeddings?: EmbeddingsInterface }
}

const INTEGRATIONS: readonly Integration[] = [
  { ...openai('openai', 'native'), title: '@langchain/openai' },
  {
    title: '@langchain/anthropic',
    provider: 'anthropic',
    surface: 'native',
    retries: 'as requested',
    // It adds the count that a stream begins with to the cumulative one at its end.
    streamSurplusTokens: 1,
    models: ({ baseURL, ...access }) => ({
      chat: new ChatAnthropic({ ...chatOptions(access), anthropicApiUrl: baseURL }),
    }),
  },
  {
    title: '@langchain/google-genai',
    provider: 'google',
    surface: 'native',
    errors: {
      401: 'GoogleGenerativeAIFetchError',
      404: 'GoogleGenerativeAIFetchError',
      429: 'GoogleGenerativeAIFetchError',
    },
    models: ({ baseURL: baseUrl, embeddingModel, maxRetries, ...access }) => ({
      chat: new ChatGoogleGenerativeAI({
        model: access.model,
        apiKey: access.apiKey,
        baseUrl,
        maxOutputTokens: MAX_OUTPUT_TOKENS,
        ...(maxRetries !== undefined && { maxRetries }),
      }),
      embeddings: new GoogleGenerativeAIEmbeddings({ model: embeddingModel, apiKey: access.apiKey, baseUrl }),
    }),
  },
  {
    title: '@langchain/groq',
    provider: 'groq',
    surface: 'native',
    retries: 'as requested',
    models: ({ baseURL, ...access }) => ({ chat: new ChatGroq({ ...chatOptions(access), baseUrl: baseURL }) }),
  },
  {
    title: '@langchain/aws',
    provider: 'aws-bedrock',
    surface: 'native',
    errors: { 401: 'UnrecognizedClientException', 404: 'ResourceNotFoundException', 429: 'ThrottlingException' },
    readError: readAwsError,
    retries: 'with its own back-off',
    models: ({ baseURL: endpoint, apiKey, model, embeddingModel, maxRetries }) => {
      const region = 'eu-central-1'
      const client = new BedrockRuntimeClient({
        region,
        endpoint,
        token: { token: apiKey },
        authSchemePreference: ['httpBearerAuth'],
        ...(maxRetries !== undefined && { maxAttempts: maxRetries + 1 }),
      })
      return {
        chat: new ChatBedrockConverse({
          region,
          model,
          client,
          maxTokens: MAX_OUTPUT_TOKENS,
          ...(maxRetries !== undefined && { maxRetries }),
        }),
        embeddings: new BedrockEmbeddings({ region, model: embeddingModel, client }),
      }
    },
  },
  ...(['openai', 'anthropic', 'google', 'groq', 'aws-bedrock'] as const).map((provider) => openai(provider, 'unified')),
]

const system = useSystem()
for (const integration of INTEGRATIONS) clientSuite(testedWith(integration), system)

function openai(provider: ProviderId, surface: 'native' | 'unified'): Integration {
  return {
    title: `@langchain/openai, ${surface}, ${provider}`,
    provider,
    surface,
    retries: 'as requested',
    models: ({ baseURL, embeddingModel, ...access }) => {
      const configuration = { baseURL: surface === 'native' ? `${baseURL}/v1` : baseURL }
      const { apiKey } = access
      return {
        chat: new ChatOpenAI({ ...chatOptions(access), configuration }),
        embeddings: new OpenAIEmbeddings({ model: embeddingModel, apiKey, configuration }),
      }
    },
  }
}

function chatOptions({ model, apiKey, maxRetries }: Pick<Access, 'model' | 'apiKey' | 'maxRetries'>) {
  return { model, apiKey, maxTokens: MAX_OUTPUT_TOKENS, ...(maxRetries !== undefined && { maxRetries }) }
}

function testedWith({
  models,
  errors = SDK_ERRORS,
  readError = readSdkError,
  ...tested
}: Integration): ClientUnderTest {
  const embedding = EMBEDDINGS[tested.provider]
  return {
    ...tested,
    model: MODELS[tested.provider],
    ...(embedding && { embedding }),
    errors,
    readError,
    create: (access) => langChain(models(access)),
  }
}

function langChain({ chat, embeddings }: ReturnType<Integration['models']>): Client {
  return {
    ask: async () => responseOf(await chat.invoke(PROMPT)),
    stream: async (onText, signal) => {
      let whole: AIMessageChunk | undefined
      for await (const chunk of await chat.stream(PROMPT, { ...(signal && { signal }) })) {
        whole = whole === undefined ? chunk : whole.concat(chunk)
        if (chunk.text !== '') onText?.(chunk.text)
      }
      if (whole === undefined) throw new Error('The stream had no chunks.')
      return responseOf(whole)
    },
    useTool: async (how) => {
      const calls: unknown[] = []
      const getLevel = tool(
        (args) => {
          calls.push(args)
          return TOOL.result
        },
        { name: TOOL.name, description: TOOL.description, schema: TOOL.schema },
      )
      const bound = chat.bindTools?.([getLevel])
      if (bound === undefined) throw new Error('This model takes no tools.')
      const messages: BaseMessage[] = [new HumanMessage(PROMPT)]
      let tokens = 0
      for (;;) {
        const message = how === 'plain' ? await bound.invoke(messages) : await lastOf(bound.stream(messages))
        messages.push(message)
        tokens += usageOf(message)?.total_tokens ?? Number.NaN
        if (!message.tool_calls?.length) return { calls, text: message.text, tokens }
        for (const call of message.tool_calls) {
          const content = await getLevel.invoke(TOOL.schema.parse(call.args))
          messages.push(new ToolMessage({ content, tool_call_id: call.id ?? '', name: call.name }))
        }
      }
    },
    structured: () => chat.withStructuredOutput(LEVEL_SCHEMA).invoke(PROMPT),
    ...(embeddings && { embed: (texts) => embeddings.embedDocuments(texts) }),
  }
}

/** All chunks of a stream in one message. */
async function lastOf(stream: Promise<AsyncIterable<AIMessageChunk>>): Promise<AIMessageChunk> {
  const [first, ...others] = await Array.fromAsync(await stream)
  if (first === undefined) throw new Error('The stream had no chunks.')
  return others.reduce((whole, chunk) => whole.concat(chunk), first)
}

function responseOf(message: AIMessageChunk) {
  const usage = usageOf(message)
  return { text: message.text, inputTokens: usage?.input_tokens, outputTokens: usage?.output_tokens }
}

function usageOf({
  usage_metadata: usage,
  response_metadata: metadata,
}: Pick<AIMessageChunk, 'response_metadata'> & {
  readonly usage_metadata?: UsageMetadata | undefined
}) {
  return usage ?? groqUsage(metadata.usage)
}

/**
 * Groq's integration reports a stream in the metadata of the response, in Groq's words, and its total twice
 * over.
 */
function groqUsage(usage: unknown): UsageMetadata | undefined {
  const parsed = z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).safeParse(usage).data
  if (parsed === undefined) return undefined
  const { prompt_tokens: input, completion_tokens: output } = parsed
  return { input_tokens: input, output_tokens: output, total_tokens: input + output }
}
