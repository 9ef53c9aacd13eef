import type { ProviderId } from '@sluice/contracts'
import type { ChatClient, ChatOptions, ChatRequest, ChatResponse } from './chat-client.ts'
import { type NativeSdk, PROMPT, retryAfterOfHeaders, type SdkRequest, type SdkResponse } from './native-sdk.ts'

export interface ChatSdkOptions {
  readonly provider: ProviderId
  readonly model: string
  /** A client that retries so often. */
  clientOf(baseURL: string, apiKey: string, maxRetries?: number): ChatClient
  readonly errorType: NativeSdk['errorType']
}

/** OpenAI's SDK, or Groq's, as one provider's official one. */
export function chatSdk({ provider, model, clientOf, errorType }: ChatSdkOptions): NativeSdk {
  return {
    provider,
    model,
    connect: (baseURL, apiKey) => {
      const { completions } = clientOf(baseURL, apiKey).chat
      return {
        send: async (question = {}) =>
          responseOf(await completions.create(requestFor(model, question), optionsOf(question))),
        async *stream(question = {}) {
          const request = { ...requestFor(model, question), stream: true as const }
          for await (const { choices } of await completions.create(request, optionsOf(question))) {
            if (choices[0]?.delta.content) yield choices[0].delta.content
          }
        },
      }
    },
    sendWithRetry: async (baseURL, apiKey) =>
      responseOf(await clientOf(baseURL, apiKey, 1).chat.completions.create(requestFor(model))),
    errorType,
    streamError: /It broke\./,
    retryAfterMs: (error) => retryAfterOfHeaders((error as { readonly headers?: Headers }).headers),
  }
}

function requestFor(model: string, question: SdkRequest = {}): ChatRequest {
  const messages = question.empty === true ? [] : [{ role: 'user' as const, content: PROMPT }]
  return { model: question.model ?? model, max_tokens: 2_000, messages }
}

function optionsOf({ signal }: SdkRequest): ChatOptions {
  return signal === undefined ? {} : { signal }
}

function responseOf({ choices, usage }: ChatResponse): SdkResponse {
  return {
    text: choices[0]?.message.content ?? '',
    inputTokens: usage?.prompt_tokens ?? Number.NaN,
    outputTokens: usage?.completion_tokens ?? Number.NaN,
  }
}
