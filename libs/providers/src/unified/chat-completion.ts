import type { TokenUsage } from '@sluice/contracts'
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessage,
  ChatCompletionMessageFunctionToolCall,
} from 'openai/resources/chat/completions'
import type { CompletionUsage } from 'openai/resources/completions'
import type { AskedResponse } from '../unified-api.ts'
import { DONE_EVENT, jsonEvent, type TranslatedFailure } from './response-translators.ts'

/** A choice of OpenAI's but for the words of its end. */
export interface CompletedChoice extends Omit<ChatCompletion.Choice, 'finish_reason'> {
  readonly finish_reason: FinishReason
}

export interface CompletedChat extends Omit<ChatCompletion, 'choices'> {
  readonly choices: readonly CompletedChoice[]
}

/** A whole chat completion. Usage that is not known is left out. */
export function chatCompletion(
  { responseId, receivedAtMs, model }: AskedResponse,
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

/** What a whole answer says. */
export interface ResponseContent {
  readonly text: string
  /** For reading only. */
  readonly reasoning: string
  readonly calls: readonly ResponseToolCall[]
  /** Why the model refused, in its provider's words. */
  readonly refusal?: string | null
}

/** What of an answer is to be sent back, as a message, a delta or a tool call has it. */
export interface ExtraContent {
  readonly extra_content?: Readonly<Record<string, unknown>>
}

/** The message of an answer; `reasoning_content` and `extra_content` are beside OpenAI's own fields. */
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

/** Usage as OpenAI tells it: cached tokens are part of the prompt's, reasoning tokens of the completion's. */
export function chatUsage(usage: TokenUsage): CompletionUsage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}

/** OpenAI's words, or that of the provider in lower case, where OpenAI has none for it. */
export type FinishReason = NonNullable<ChatCompletionChunk.Choice['finish_reason']> | (string & {})

/** How an answer ended: for a reason that OpenAI has, or in a way that leaves nothing to rely on. */
export type Finish = { readonly reason: FinishReason } | TranslatedFailure

/** A piece of an answer; `reasoning_content` and `extra_content` are beside OpenAI's own fields. */
export type ChatDelta = ChatCompletionChunk.Choice.Delta & ExtraContent & { readonly reasoning_content?: string }

/**
 * The events of one streamed chat completion, as text, in OpenAI's order: for each choice one with the role, its deltas, one with the
 * finish reason; then the usage where the caller asked for it, and the mark of the end.
 * @see https://platform.openai.com/docs/api-reference/chat-streaming
 */
export class ChatChunks {
  readonly #common: Pick<ChatCompletionChunk, 'id' | 'object' | 'created' | 'model'>
  readonly #tellsUsage: boolean
  readonly #begun = new Set<number>()

  constructor({ responseId, receivedAtMs, model, tellsUsage }: AskedResponse) {
    this.#common = { id: chatId(responseId), object: 'chat.completion.chunk', created: inSeconds(receivedAtMs), model }
    this.#tellsUsage = tellsUsage
  }

  /** The choice's first one has the role before it. */
  delta(delta: ChatDelta, index = 0, logprobs: ChatCompletionChunk.Choice.Logprobs | null = null): string {
    return this.#begin(index) + this.#chunk([{ index, delta, finish_reason: null, logprobs }])
  }

  finish(reason: FinishReason, index = 0): string {
    return this.#begin(index) + this.#chunk([{ index, delta: {}, finish_reason: reason, logprobs: null }])
  }

  /** What comes after every choice's finish. Where the usage is not known, there is no event with it. */
  end(usage: TokenUsage | undefined): string {
    if (!this.#tellsUsage || usage === undefined) return DONE_EVENT
    return jsonEvent({ ...this.#common, choices: [], usage: chatUsage(usage) }) + DONE_EVENT
  }

  #begin(index: number): string {
    if (this.#begun.has(index)) return ''
    this.#begun.add(index)
    return this.#chunk([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null, logprobs: null }])
  }

  #chunk(choices: readonly StreamedChoice[]): string {
    return jsonEvent({ ...this.#common, choices, ...(this.#tellsUsage ? { usage: null } : {}) })
  }
}

interface StreamedChoice extends Omit<ChatCompletionChunk.Choice, 'finish_reason'> {
  readonly finish_reason: FinishReason | null
}

export function chatId(responseId: string): string {
  return `chatcmpl-${responseId}`
}

export function inSeconds(atMs: number): number {
  return Math.floor(atMs / 1_000)
}
