import type { TokenUsage } from '@sluice/contracts'
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessage,
  ChatCompletionMessageFunctionToolCall,
} from 'openai/resources/chat/completions'
import type { CompletionUsage } from 'openai/resources/completions'
import type { RequestedResponse } from '../unified-api.ts'
import { DONE_EVENT, jsonEvent, type TranslatedFailure } from './response-translators.ts'

/** OpenAI's choice, with finish reasons of other providers. */
export interface CompletedChoice extends Omit<ChatCompletion.Choice, 'finish_reason'> {
  readonly finish_reason: FinishReason
}

export interface CompletedChat extends Omit<ChatCompletion, 'choices'> {
  readonly choices: readonly CompletedChoice[]
}

/** Returns a complete chat completion, without `usage` where that is unknown. */
export function chatCompletion(
  { responseId, receivedAtMs, model }: RequestedResponse,
  choices: readonly CompletedChoice[],
  usage: TokenUsage | undefined,
): CompletedChat {
  return {
    id: chatId(responseId),
    object: 'chat.completion',
    created: inSeconds(receivedAtMs),
    model,
    choices,
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  }
}

export type ResponseToolCall = ChatCompletionMessageFunctionToolCall

/** The content of a complete response. */
export interface ResponseContent {
  readonly text: string
  /** For the application to read only. */
  readonly reasoning: string
  readonly calls: readonly ResponseToolCall[]
  /** The provider's explanation of a refusal. */
  readonly refusal?: string | null
}

/** Data for the application to return with the conversation: a field of a message, delta or tool call. */
export interface ExtraContent {
  readonly extra_content?: Readonly<Record<string, unknown>>
}

/** Returns a response's message; `reasoning_content` and `extra_content` are additions to OpenAI's fields. */
export function responseMessage(
  { text, reasoning, calls, refusal = null }: ResponseContent,
  extra: ExtraContent,
): ChatCompletionMessage {
  const message = {
    role: 'assistant' as const,
    content: text === '' && (calls.length > 0 || refusal !== null) ? null : text,
    refusal,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: [...calls] }),
    ...extra,
  }
  return message
}

/** Returns usage as OpenAI reports it: prompt tokens include cached ones, completion tokens include reasoning. */
function chatUsage(usage: TokenUsage): CompletionUsage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}

/** OpenAI's finish reasons; the provider's own, in lower case, where OpenAI has none for it. */
export type FinishReason = NonNullable<ChatCompletionChunk.Choice['finish_reason']> | (string & {})

/** The end of a response: a reason, or a failure that makes it unusable. */
export type Finish = { readonly reason: FinishReason } | TranslatedFailure

/** A piece of a streamed message; `reasoning_content` and `extra_content` are additions to OpenAI's fields. */
export type ChatDelta = ChatCompletionChunk.Choice.Delta & ExtraContent & { readonly reasoning_content?: string }

/**
 * Writes the events of one streamed chat completion in OpenAI's order: for each choice its role, its deltas and its
 * finish reason; then the usage, where the caller asked for it, and `[DONE]`.
 * @see https://platform.openai.com/docs/api-reference/chat-streaming
 */
export class ChatChunks {
  readonly #common: Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'>
  readonly #includesUsage: boolean
  readonly #begun = new Set<number>()

  constructor({ responseId, receivedAtMs, model, includesUsage }: RequestedResponse) {
    this.#common = { id: chatId(responseId), object: 'chat.completion.chunk', created: inSeconds(receivedAtMs), model }
    this.#includesUsage = includesUsage
  }

  /** A choice's first delta comes after its role. */
  delta(delta: ChatDelta, index = 0, logprobs: ChatCompletionChunk.Choice.Logprobs | null = null): string {
    return this.#begin(index) + this.#chunk([{ index, delta, finish_reason: null, logprobs }])
  }

  finish(reason: FinishReason, index = 0): string {
    return this.#begin(index) + this.#chunk([{ index, delta: {}, finish_reason: reason, logprobs: null }])
  }

  /** Ends the stream, after every choice has finished. There is no usage event where the usage is unknown. */
  end(usage: TokenUsage | undefined): string {
    if (!this.#includesUsage || usage === undefined) return DONE_EVENT
    return jsonEvent({ ...this.#common, choices: [], usage: chatUsage(usage) }) + DONE_EVENT
  }

  #begin(index: number): string {
    if (this.#begun.has(index)) return ''
    this.#begun.add(index)
    return this.#chunk([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null, logprobs: null }])
  }

  #chunk(choices: readonly StreamedChoice[]): string {
    return jsonEvent({ ...this.#common, choices, ...(this.#includesUsage ? { usage: null } : {}) })
  }
}

interface StreamedChoice extends Omit<ChatCompletionChunk.Choice, 'finish_reason'> {
  readonly finish_reason: FinishReason | null
}

function chatId(responseId: string): string {
  return `chatcmpl-${responseId}`
}

function inSeconds(atMs: number): number {
  return Math.floor(atMs / 1_000)
}
