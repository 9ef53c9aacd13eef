import type { Generation } from '../core/generation.ts'
import { isRecord, parseObject } from '../core/json.ts'
import { generateOutput, type ModelOutput } from '../core/model-output.ts'
import { dataEvent, eventStream, jsonResponse, namedEvent, type StreamError } from '../core/responses.ts'
import type { ProviderRoute } from '../core/simulated-provider.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import {
  contentChars,
  positiveInteger,
  schemaOfFormat,
  simulatedToolCall,
  type ToolCall,
} from '../openai/chat-request.ts'
import { DONE } from '../openai/event-stream.ts'
import { errorOfStatus, invalidRequest } from './errors.ts'
import { groqRequestId } from './headers.ts'
import { findModel, type Model, unknownModel } from './models.ts'
import { asksToThink, reasoningProblem, requestProblem, showsThought } from './request-validation.ts'

type Json = Readonly<Record<string, unknown>>

/** https://console.groq.com/docs/api-reference#chat-create */
export const chatCompletions: ProviderRoute = {
  method: 'POST',
  path: '/openai/v1/chat/completions',
  handle({ body, generation, requestId }) {
    const json = parseObject(body)
    if (json === undefined) return invalidRequest('could not unmarshal request body as JSON')
    const problem = requestProblem(json)
    if (problem !== undefined) return invalidRequest(problem)
    const model = findModel(String(json.model))
    if (model === undefined) return unknownModel(String(json.model))
    const unsupported = reasoningProblem(json, model)
    if (unsupported !== undefined) return invalidRequest(unsupported.message, 400, { param: unsupported.param })
    const maximum = positiveInteger(json.max_completion_tokens) ?? positiveInteger(json.max_tokens)
    if (maximum !== undefined && maximum > model.maxOutputTokens) return beyondModel(model)

    const completion = complete(json, model, maximum, generation, groqRequestId(requestId))
    const { inputTokens, output } = completion
    return {
      charge: { model: model.id, inputTokens, outputTokens: output.outputTokens },
      respond: () =>
        json.stream === true
          ? eventStream(events(completion, json.stream_options), errorEvent)
          : jsonResponse(completionObject(completion)),
    }
  },
}

function beyondModel({ maxOutputTokens }: Model) {
  return invalidRequest(
    `\`max_completion_tokens\` must be less than or equal to \`${maxOutputTokens}\`, the maximum value for ` +
      '`max_completion_tokens` is less than the `context_window` for this model',
    400,
    { param: 'max_completion_tokens' },
  )
}

/** The content of a chat completion, whether it is sent whole or streamed. */
interface ChatCompletion {
  readonly id: string
  /** As in `x_groq`. */
  readonly requestId: string
  readonly createdAtS: number
  readonly model: string
  readonly inputTokens: number
  readonly output: ModelOutput
  /** Otherwise thoughts are only counted. */
  readonly showsThought: boolean
  readonly finishReason: 'stop' | 'length' | 'tool_calls'
  /** In place of text. */
  readonly toolCall?: ToolCall & { readonly id: string }
  readonly omitUsage: boolean
}

function complete(
  json: Json,
  model: Model,
  maximum: number | undefined,
  generation: Generation,
  requestId: string,
): ChatCompletion {
  const { ids, createdAtS, omitUsage, callsTools } = generation
  const call = simulatedToolCall(json.tools, json.tool_choice, (tool) => tool.function, callsTools)
  const thinks = asksToThink(json)
  const output = generateOutput(generation, {
    thinks,
    schema: schemaOfFormat(json.response_format),
    toolArguments: call?.arguments,
    maxTokens: maximum,
  })
  return {
    id: `chatcmpl-${ids(32)}`,
    requestId,
    createdAtS,
    model: model.id,
    inputTokens: tokensOfChars(contentChars(json.messages)),
    output,
    showsThought: thinks && showsThought(json, model),
    finishReason: call ? 'tool_calls' : output.truncated ? 'length' : 'stop',
    omitUsage,
    ...(call && { toolCall: { ...call, id: ids(9) } }),
  }
}

function* events(completion: ChatCompletion, options: unknown): Generator<string> {
  const includeUsage = isRecord(options) && options.include_usage === true
  for (const chunk of completionChunks(completion, includeUsage)) yield dataEvent(chunk)
  yield DONE
}

function errorEvent({ status, message }: StreamError): string {
  return namedEvent('error', { error: { ...errorOfStatus(status, message), status_code: status } })
}

/** https://console.groq.com/docs/api-reference#chat-create, the response. */
function completionObject(completion: ChatCompletion) {
  const { output, toolCall, omitUsage } = completion
  const message = {
    role: 'assistant',
    ...(toolCall === undefined ? { content: output.text.whole() } : { tool_calls: [callObject(toolCall)] }),
    ...(completion.showsThought && { reasoning: output.thought.whole() }),
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
 * Sends a tool call whole, and the usage twice with the finish reason: in `x_groq` and beside it. `include_usage` adds
 * an extra last chunk with the usage and without choices.
 */
function* completionChunks(completion: ChatCompletion, includeUsage: boolean): Generator<unknown> {
  const { output, toolCall, requestId, finishReason } = completion
  const chunk = (delta: unknown, finish: string | null, fields: object = {}) => ({
    ...common(completion, 'chat.completion.chunk'),
    system_fingerprint: FINGERPRINT,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...fields,
  })
  const used = completion.omitUsage ? {} : { usage: usage(completion) }

  const content = toolCall === undefined ? '' : null
  yield chunk({ role: 'assistant', content }, null, { x_groq: { id: requestId, seed: SEED } })
  if (completion.showsThought) for (const reasoning of output.thought.pieces()) yield chunk({ reasoning }, null)
  if (toolCall !== undefined) yield chunk({ tool_calls: [{ ...callObject(toolCall), index: 0 }] }, null)
  else for (const content of output.text.pieces()) yield chunk({ content }, null)
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

/** Times are in seconds and fixed: a millisecond per token. */
function usage({ inputTokens, output: { outputTokens, thought } }: ChatCompletion) {
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
