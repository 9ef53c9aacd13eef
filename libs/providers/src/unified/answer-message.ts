import type { ChatCompletionMessage, ChatCompletionMessageFunctionToolCall } from 'openai/resources/chat/completions'

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
