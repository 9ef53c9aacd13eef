import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogle } from '@ai-sdk/google'
import { createGroq } from '@ai-sdk/groq'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { ProviderId } from '@sluice/contracts'
import {
  APICallError,
  type EmbeddingModel,
  embedMany,
  generateText,
  isStepCount,
  type LanguageModel,
  type LanguageModelUsage,
  Output,
  RetryError,
  streamText,
  tool,
} from 'ai'
import {
  type Access,
  type Client,
  type ClientUnderTest,
  EMBEDDINGS,
  LEVEL_SCHEMA,
  MAX_OUTPUT_TOKENS,
  MODELS,
  PROMPT,
  TOOL,
} from './client.ts'
import { clientSuite } from './client-suite.ts'
import { useSystem } from './start-system.ts'

/** Vercel's AI SDK with one of its provider packages, which are all used alike. */
interface ProviderPackage {
  readonly title: string
  readonly provider: ProviderId
  readonly surface: 'native' | 'unified'
  readonly models: (access: Access) => { readonly language: LanguageModel; readonly embedding?: EmbeddingModel }
}

const PACKAGES: readonly ProviderPackage[] = [
  {
    title: '@ai-sdk/openai (Responses API)',
    provider: 'openai',
    surface: 'native',
    models: ({ baseURL, apiKey, model, embeddingModel }) => {
      const openai = createOpenAI({ baseURL: `${baseURL}/v1`, apiKey })
      return { language: openai(model), embedding: openai.embedding(embeddingModel) }
    },
  },
  {
    title: '@ai-sdk/anthropic',
    provider: 'anthropic',
    surface: 'native',
    models: ({ baseURL, apiKey, model }) => ({
      language: createAnthropic({ baseURL: `${baseURL}/v1`, apiKey })(model),
    }),
  },
  {
    title: '@ai-sdk/google',
    provider: 'google',
    surface: 'native',
    models: ({ baseURL, apiKey, model, embeddingModel }) => {
      const google = createGoogle({ baseURL: `${baseURL}/v1beta`, apiKey })
      return { language: google(model), embedding: google.embedding(embeddingModel) }
    },
  },
  {
    title: '@ai-sdk/groq',
    provider: 'groq',
    surface: 'native',
    models: ({ baseURL, apiKey, model }) => ({
      language: createGroq({ baseURL: `${baseURL}/openai/v1`, apiKey })(model),
    }),
  },
  {
    title: '@ai-sdk/amazon-bedrock',
    provider: 'aws-bedrock',
    surface: 'native',
    models: ({ baseURL, apiKey, model, embeddingModel }) => {
      const bedrock = createAmazonBedrock({ region: 'eu-central-1', baseURL, apiKey })
      return { language: bedrock(model), embedding: bedrock.embedding(embeddingModel) }
    },
  },
  ...(['openai', 'anthropic', 'google', 'groq', 'aws-bedrock'] as const).flatMap((provider): ProviderPackage[] => [
    {
      title: `@ai-sdk/openai (chat), unified, ${provider}`,
      provider,
      surface: 'unified',
      models: ({ baseURL, apiKey, model, embeddingModel }) => {
        const openai = createOpenAI({ baseURL, apiKey })
        return { language: openai.chat(model), embedding: openai.embedding(embeddingModel) }
      },
    },
    {
      title: `@ai-sdk/openai-compatible, unified, ${provider}`,
      provider,
      surface: 'unified',
      models: ({ baseURL, apiKey, model, embeddingModel }) => {
        const sluice = createOpenAICompatible({
          name: 'sluice',
          baseURL,
          apiKey,
          includeUsage: true,
          supportsStructuredOutputs: true,
        })
        return { language: sluice(model), embedding: sluice.embeddingModel(embeddingModel) }
      },
    },
  ]),
]

const system = useSystem()
for (const providerPackage of PACKAGES) clientSuite(testedWith(providerPackage), system)

function testedWith({ title, provider, surface, models }: ProviderPackage): ClientUnderTest {
  const embedding = EMBEDDINGS[provider]
  return {
    title,
    provider,
    surface,
    model: MODELS[provider],
    ...(embedding && { embedding }),
    errors: { 401: 'AI_APICallError', 404: 'AI_APICallError', 429: 'AI_APICallError' },
    retries: 'as requested',
    create: (access) => aiSdk(models(access), access.maxRetries),
    readError: (error) => {
      const raised = RetryError.isInstance(error) ? error.lastError : error
      if (!APICallError.isInstance(raised)) throw raised
      const { name, statusCode, message, responseHeaders } = raised
      return { type: name, status: statusCode, message, retryAfter: responseHeaders?.['retry-after'] }
    },
  }
}

function aiSdk({ language, embedding }: ReturnType<ProviderPackage['models']>, maxRetries?: number): Client {
  const asking = {
    model: language,
    prompt: PROMPT,
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    ...(maxRetries !== undefined && { maxRetries }),
  }
  return {
    ask: async () => responseOf(await generateText(asking)),
    stream: async (onText, signal) => {
      let failure: unknown
      const result = streamText({
        ...asking,
        ...(signal && { abortSignal: signal }),
        onError: ({ error }) => {
          failure = error
        },
      })
      for await (const text of result.textStream) onText?.(text)
      if (failure !== undefined) throw failure
      return responseOf({ text: await result.text, usage: await result.usage })
    },
    useTool: async (how) => {
      const calls: unknown[] = []
      const execute = async (args: { gate: string }) => {
        calls.push(args)
        return TOOL.result
      }
      const tools = { [TOOL.name]: tool({ description: TOOL.description, inputSchema: TOOL.schema, execute }) }
      const params = { ...asking, tools, stopWhen: isStepCount(3) }
      if (how === 'plain') {
        const { text, steps } = await generateText(params)
        return { calls, text, tokens: tokensOf(steps) }
      }
      const result = streamText(params)
      return { calls, text: await result.text, tokens: tokensOf(await result.steps) }
    },
    structured: async () => (await generateText({ ...asking, output: Output.object({ schema: LEVEL_SCHEMA }) })).output,
    ...(embedding && { embed: async (values) => (await embedMany({ model: embedding, values })).embeddings }),
  }
}

function responseOf({ text, usage }: { readonly text: string; readonly usage: LanguageModelUsage }) {
  return { text, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens }
}

function tokensOf(steps: readonly { readonly usage: LanguageModelUsage }[]): number {
  return steps.reduce((sum, { usage }) => sum + (usage.totalTokens ?? Number.NaN), 0)
}
