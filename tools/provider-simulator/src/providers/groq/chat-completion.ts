import { simulatedText, simulatedToken } from '../../core/simulated-text.ts'
import type { ToolCall } from '../openai/tool-call.ts'

/** What a chat completion says, however it is sent. */
export interface ChatCompletion {
  readonly id: string
  /** As in `x_groq`. */
  readonly requestId: string
  readonly createdAtS: number
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** In place of text. */
  readonly toolCall?: ToolCall & { readonly id: string }
  readonly omitUsage: boolean
}

/** https://console.groq.com/docs/api-reference#chat-create, the answer. */
export function completionObject(completion: ChatCompletion) {
  const { toolCall, outputTokens, omitUsage } = completion
  const message =
    toolCall === undefined
      ? { role: 'assistant', content: simulatedText(outputTokens) }
      : { role: 'assistant', tool_calls: [callObject(toolCall)] }
  return {
    ...common(completion, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: completion.finishReason }],
    ...(!omitUsage && { usage: usage(completion) }),
    usage_breakdown: null,
    system_fingerprint: FINGERPRINT,
    x_groq: { id: completion.requestId, seed: SEED },
    service_tier: 'on_demand',
  }
}

/**
 * The usage comes with the finish reason, twice: in `x_groq` and beside it. Who sets `include_usage` gets it once more,
 * in an extra last chunk without choices. A tool call comes whole.
 */
export function* completionChunks(completion: ChatCompletion, includeUsage: boolean): Generator<unknown> {
  const { toolCall, outputTokens, requestId, finishReason } = completion
  const chunk = (delta: unknown, finish: string | null, fields: object = {}) => ({
    ...common(completion, 'chat.completion.chunk'),
    system_fingerprint: FINGERPRINT,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...fields,
  })
  const used = completion.omitUsage ? {} : { usage: usage(completion) }

  const content = toolCall === undefined ? '' : null
  yield chunk({ role: 'assistant', content }, null, { x_groq: { id: requestId, seed: SEED } })
  if (toolCall !== undefined) yield chunk({ tool_calls: [{ ...callObject(toolCall), index: 0 }] }, null)
  else for (let index = 0; index < outputTokens; index++) yield chunk({ content: simulatedToken(index) }, null)
  yield chunk({}, finishReason, { x_groq: { id: requestId, ...used }, ...used })
  if (includeUsage && !completion.omitUsage) {
    yield { ...common(completion, 'chat.completion.chunk'), system_fingerprint: FINGERPRINT, choices: [], ...used }
  }
}

const FINGERPRINT = 'fp_simulator0'
const SEED = 689_520_654

function common({ id, createdAtS, model }: ChatCompletion, object: string) {
  return { id, object, created: createdAtS, model }
}

function callObject({ id, name, arguments: args }: ToolCall & { readonly id: string }) {
  return { id, type: 'function', function: { name, arguments: args } }
}

/** Times are in seconds, and made up: a millisecond a token. */
function usage({ inputTokens, outputTokens }: ChatCompletion) {
  return {
    queue_time: 0.001,
    prompt_tokens: inputTokens,
    prompt_time: inputTokens / 1000,
    completion_tokens: outputTokens,
    completion_time: outputTokens / 1000,
    total_tokens: inputTokens + outputTokens,
    total_time: (inputTokens + outputTokens) / 1000,
  }
}
