import type { TokenUsage } from '@sluice/contracts'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import type { AskedResponse } from '../unified-api.ts'
import type { ExtraContent } from './answer-message.ts'
import { chatUsage } from './chat-usage.ts'
import { DONE_EVENT, jsonEvent } from './event-text.ts'
import type { TranslatedFailure } from './whole-answer-translator.ts'

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
