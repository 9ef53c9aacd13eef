import type { SimulatedAnswer } from '../../core/simulated-answer.ts'
import type { ToolCall } from './tool-call.ts'
import { chatUsage } from './usage.ts'

/** What a chat completion says, however it is sent. */
export interface ChatCompletion {
  readonly id: string
  readonly createdAtS: number
  /** The dated version of the model. */
  readonly model: string
  readonly inputTokens: number
  /** What it thought is not shown, only counted. */
  readonly answer: SimulatedAnswer
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** In place of text. */
  readonly toolCall?: ToolCall & { readonly id: string }
}

/** https://platform.openai.com/docs/api-reference/chat/object */
export function chatCompletionObject(completion: ChatCompletion, omitUsage: boolean) {
  return {
    id: completion.id,
    object: 'chat.completion',
    created: completion.createdAtS,
    model: completion.model,
    choices: [{ index: 0, message: message(completion), logprobs: null, finish_reason: completion.finishReason }],
    ...(!omitUsage && { usage: completionUsageOf(completion) }),
    service_tier: 'default',
    system_fingerprint: null,
  }
}

export function completionUsageOf({ inputTokens, answer }: ChatCompletion) {
  return chatUsage(inputTokens, answer.outputTokens, answer.thought.tokens)
}

function message({ toolCall, answer }: ChatCompletion) {
  if (toolCall === undefined) {
    return { role: 'assistant', content: answer.text.whole(), refusal: null, annotations: [] }
  }
  const { id, name } = toolCall
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name, arguments: toolCall.arguments } }],
    refusal: null,
    annotations: [],
  }
}
