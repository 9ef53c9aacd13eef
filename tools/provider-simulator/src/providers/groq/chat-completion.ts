import type { SimulatedResponse } from '../../core/simulated-answer.ts'
import type { ToolCall } from '../openai/tool-call.ts'

/** What a chat completion says, however it is sent. */
export interface ChatCompletion {
  readonly id: string
  /** As in `x_groq`. */
  readonly requestId: string
  readonly createdAtS: number
  readonly model: string
  readonly inputTokens: number
  readonly answer: SimulatedResponse
  /** Whether what it thought is said, or only counted. */
  readonly showsThought: boolean
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** In place of text. */
  readonly toolCall?: ToolCall & { readonly id: string }
  readonly omitUsage: boolean
}

/** https://console.groq.com/docs/api-reference#chat-create, the answer. */
export function completionObject(completion: ChatCompletion) {
  const { answer, toolCall, omitUsage } = completion
  const message = {
    role: 'assistant',
    ...(toolCall === undefined ? { content: answer.text.whole() } : { tool_calls: [callObject(toolCall)] }),
    ...(completion.showsThought && { reasoning: answer.thought.whole() }),
  }
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
  const { answer, toolCall, requestId, finishReason } = completion
  const chunk = (delta: unknown, finish: string | null, fields: object = {}) => ({
    ...common(completion, 'chat.completion.chunk'),
    system_fingerprint: FINGERPRINT,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...fields,
  })
  const used = completion.omitUsage ? {} : { usage: usage(completion) }

  const content = toolCall === undefined ? '' : null
  yield chunk({ role: 'assistant', content }, null, { x_groq: { id: requestId, seed: SEED } })
  if (completion.showsThought) for (const reasoning of answer.thought.pieces()) yield chunk({ reasoning }, null)
  if (toolCall !== undefined) yield chunk({ tool_calls: [{ ...callObject(toolCall), index: 0 }] }, null)
  else for (const content of answer.text.pieces()) yield chunk({ content }, null)
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
function usage({ inputTokens, answer: { outputTokens, thought } }: ChatCompletion) {
  return {
    queue_time: 0.001,
    prompt_tokens: inputTokens,
    prompt_time: inputTokens / 1000,
    completion_tokens: outputTokens,
    completion_time: outputTokens / 1000,
    total_tokens: inputTokens + outputTokens,
    total_time: (inputTokens + outputTokens) / 1000,
    ...(thought.tokens > 0 && { completion_tokens_details: { reasoning_tokens: thought.tokens } }),
  }
}
