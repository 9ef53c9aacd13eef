import { isRecord } from '../core/json.ts'
import { generateOutput, type ModelOutput, pieces } from '../core/model-output.ts'
import { dataEvent, jsonResponse } from '../core/responses.ts'
import type { RouteResult } from '../core/simulated-provider.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import { contentChars, positiveInteger, schemaOfFormat, simulatedToolCall, type ToolCall } from './chat-request.ts'
import { invalidRequest } from './errors.ts'
import { DONE, eventStreamResponse, obfuscation } from './event-stream.ts'
import { type ModelRequest, modelRoute } from './models.ts'
import { chatProblem, missingParameter, streamOptionsProblem } from './request-validation.ts'

/** https://platform.openai.com/docs/api-reference/chat/create */
export const chatCompletions = modelRoute('/v1/chat/completions', 'chat', (request) => {
  const { json, model, generation } = request
  const inputTokens = tokensOfChars(contentChars(json.messages))
  const problem = modelProblem(request) ?? requestProblem(json)
  // The API charges a request that it refuses, too: the response has the lowered rate-limit headers.
  if (problem !== undefined) return { ...problem, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const completion = complete(request, inputTokens)
  return {
    charge: { model: model.id, inputTokens, outputTokens: outputTokensOf(completion) },
    respond: () =>
      json.stream === true
        ? eventStreamResponse(completionChunks(completion, json.stream_options, generation.omitUsage))
        : jsonResponse(completionObject(completion, generation.omitUsage)),
  }
})

/** Refuses parameters that the model does not have. */
function modelProblem({ json, model }: ModelRequest): RouteResult | undefined {
  if (model.reasoning && json.max_tokens !== undefined && json.max_tokens !== null) {
    return invalidRequest(
      400,
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
      'unsupported_parameter',
    )
  }
  if (!model.reasoning && typeof json.reasoning_effort === 'string') {
    return invalidRequest(400, 'Unrecognized request argument supplied: reasoning_effort')
  }
  return undefined
}

function requestProblem(json: ModelRequest['json']): RouteResult | undefined {
  return missingParameter(json, 'messages') ?? chatProblem(json) ?? streamOptionsProblem(json)
}

/** The content of a chat completion, whether it is sent whole or streamed. */
interface ChatCompletion {
  readonly id: string
  readonly createdAtS: number
  /** The dated version of the model. */
  readonly model: string
  readonly inputTokens: number
  /** The same for every choice. Thoughts are counted and not shown. */
  readonly output: ModelOutput
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** Their number. */
  readonly choices: number
  /** In place of text; each choice's call has its own id. */
  readonly toolCall?: ToolCall & { readonly ids: readonly string[] }
}

function complete({ json, model, generation }: ModelRequest, inputTokens: number): ChatCompletion {
  const call = simulatedToolCall(json.tools, json.tool_choice, (tool) => tool.function, generation.callsTools)
  const output = generateOutput(generation, {
    thinks: typeof json.reasoning_effort === 'string' && json.reasoning_effort !== 'none',
    schema: schemaOfFormat(json.response_format),
    toolArguments: call?.arguments,
    maxTokens: positiveInteger(json.max_completion_tokens) ?? positiveInteger(json.max_tokens),
  })
  const choices = positiveInteger(json.n) ?? 1
  return {
    id: `chatcmpl-${generation.ids(29)}`,
    createdAtS: generation.createdAtS,
    model: model.snapshot,
    inputTokens,
    output,
    finishReason: finishReason(call, output.truncated),
    choices,
    ...(call && { toolCall: { ...call, ids: Array.from({ length: choices }, () => `call_${generation.ids(24)}`) } }),
  }
}

/**
 * A call of a function that the request names ends with `stop`:
 * https://platform.openai.com/docs/guides/function-calling.
 */
function finishReason(call: ToolCall | undefined, truncated: boolean): ChatCompletion['finishReason'] {
  if (call !== undefined) return call.named ? 'stop' : 'tool_calls'
  return truncated ? 'length' : 'stop'
}

/** Sums up all choices. */
function outputTokensOf({ output, choices }: ChatCompletion): number {
  return choices * output.outputTokens
}

/** https://platform.openai.com/docs/api-reference/chat/object */
function completionObject(completion: ChatCompletion, omitUsage: boolean) {
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
    ...(!omitUsage && { usage: usageOf(completion) }),
    service_tier: 'default',
    system_fingerprint: null,
  }
}

function message({ toolCall, output }: ChatCompletion, choice: number) {
  if (toolCall === undefined) {
    return { role: 'assistant', content: output.text.whole(), refusal: null, annotations: [] }
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

/** Nothing is cached. https://platform.openai.com/docs/api-reference/chat/object, `usage` */
function usageOf(completion: ChatCompletion) {
  const { inputTokens, output, choices } = completion
  const outputTokens = outputTokensOf(completion)
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: choices * output.thought.tokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/**
 * Streams one event per token, for each choice in turn. With `include_usage` every chunk has `usage`: null, except in
 * an extra last chunk without choices.
 * @see https://platform.openai.com/docs/api-reference/chat-streaming
 */
function* completionChunks(completion: ChatCompletion, streamOptions: unknown, omitUsage: boolean): Generator<string> {
  const options = isRecord(streamOptions) ? streamOptions : {}
  const includeUsage = options.include_usage === true && !omitUsage
  const obfuscate = options.include_obfuscation !== false
  const common = {
    id: completion.id,
    object: 'chat.completion.chunk',
    created: completion.createdAtS,
    model: completion.model,
    service_tier: 'default',
    system_fingerprint: null,
  }
  let sent = 0
  const chunk = (choices: readonly unknown[], usage: unknown) => {
    sent += 1
    const padding = obfuscate ? { obfuscation: obfuscation(sent) } : {}
    return dataEvent({ ...common, choices, ...(includeUsage && { usage }), ...padding })
  }

  const indexes = Array.from({ length: completion.choices }, (_, index) => index)
  for (const deltaOf of deltas(completion)) {
    for (const index of indexes) yield chunk([{ index, delta: deltaOf(index), finish_reason: null }], null)
  }
  for (const index of indexes) yield chunk([{ index, delta: {}, finish_reason: completion.finishReason }], null)
  if (includeUsage) yield chunk([], usageOf(completion))
  yield DONE
}

/** Returns each next delta as a function of the choice's index. */
function* deltas({ toolCall, output }: ChatCompletion): Generator<(choice: number) => unknown> {
  if (toolCall === undefined) {
    yield () => ({ role: 'assistant', content: '', refusal: null })
    for (const content of output.text.pieces()) yield () => ({ content })
    return
  }
  const { ids, name } = toolCall
  const opened = { index: 0, type: 'function', function: { name, arguments: '' } }
  yield (choice) => ({ role: 'assistant', content: null, tool_calls: [{ ...opened, id: ids[choice] }], refusal: null })
  for (const part of pieces(toolCall.arguments)) {
    yield () => ({ tool_calls: [{ index: 0, function: { arguments: part } }] })
  }
}
