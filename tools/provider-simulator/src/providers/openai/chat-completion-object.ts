import type { SimulatedResponse } from '../../core/simulated-answer.ts'
import type { ToolCall } from './tool-call.ts'
import { chatUsage } from './usage.ts'

/** What a chat completion says, however it is sent. */
export interface ChatCompletion {
  readonly id: string
  readonly createdAtS: number
  /** The dated version of the model. */
  readonly model: string
  readonly inputTokens: number
  /** What each choice says; what it thought is not shown, only counted. */
  readonly answer: SimulatedResponse
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** How many there are, all of them the same. */
  readonly choices: number
  /** In place of text; each choice's call has an id of its own. */
  readonly toolCall?: ToolCall & { readonly ids: readonly string[] }
}

/** https://platform.openai.com/docs/api-reference/chat/object */
export function chatCompletionObject(completion: ChatCompletion, omitUsage: boolean) {
  return {
    id: completion.id,
    object: 'chat.completion',
    created: completion.createdAtS,
    model: completion.model,
    choices: Array.from({ length: completion.choices }, (_, index) => ({
      index,
      message: message(completion, index),
      logprobs: null,
      finish_reason: completion.finishReason,
    })),
    ...(!omitUsage && { usage: completionUsageOf(completion) }),
    service_tier: 'default',
    system_fingerprint: null,
  }
}

export function completionUsageOf(completion: ChatCompletion) {
  const { inputTokens, answer, choices } = completion
  return chatUsage(inputTokens, outputTokensOf(completion), choices * answer.thought.tokens)
}

/** Of all choices together. */
export function outputTokensOf({ answer, choices }: ChatCompletion): number {
  return choices * answer.outputTokens
}

function message({ toolCall, answer }: ChatCompletion, choice: number) {
  if (toolCall === undefined) {
    return { role: 'assistant', content: answer.text.whole(), refusal: null, annotations: [] }
  }
  const { ids, name } = toolCall
  return {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: ids[choice], type: 'function', function: { name, arguments: toolCall.arguments } }],
    refusal: null,
    annotations: [],
  }
}
