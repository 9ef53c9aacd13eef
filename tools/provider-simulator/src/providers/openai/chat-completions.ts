import { simulatedResponse } from '../../core/simulated-answer.ts'
import { tokensOfChars } from '../../core/tokens.ts'
import { jsonResponse } from '../../wire/json-answer.ts'
import type { Answer, Reply } from '../simulated-provider.ts'
import { chatCompletionChunks } from './chat-completion-chunks.ts'
import { type ChatCompletion, chatCompletionObject, outputTokensOf } from './chat-completion-object.ts'
import { contentChars } from './content-chars.ts'
import { invalidRequest } from './errors.ts'
import { eventStreamResponse } from './event-stream.ts'
import { messagesRefusal } from './messages-refusal.ts'
import { type ModelRequest, modelRoute } from './model-route.ts'
import { count, invalidCount, invalidStreamOptions, missingParameter } from './parameters.ts'
import { chatSchema } from './request-schemas.ts'
import { invalidFormat, schemaOfFormat } from './response-format.ts'
import { schemaRefusal } from './schema-refusal.ts'
import { simulatedToolCall, type ToolCall } from './tool-call.ts'

/** https://platform.openai.com/docs/api-reference/chat/create */
export const chatCompletions = modelRoute('/v1/chat/completions', 'chat', (request) => {
  const { json, model } = request
  const invalid = refusal(request)
  const inputTokens = tokensOfChars(contentChars(json.messages))
  // The real API counts a request that it finds fault with, too: its answer carries the lowered rate-limit headers.
  if (invalid !== undefined) return { ...invalid, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const completion = complete(request, inputTokens)
  return {
    charge: { model: model.id, inputTokens, outputTokens: outputTokensOf(completion) },
    answer: () => (json.stream === true ? streamed(request, completion) : plain(request, completion)),
  }
})

function refusal({ json, model }: ModelRequest): Reply | undefined {
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
  return (
    missingParameter(json, 'messages') ??
    invalidFormat(json.response_format) ??
    schemaRefusal(chatSchema, json) ??
    messagesRefusal(json.messages) ??
    invalidCount(json, 'max_tokens') ??
    invalidCount(json, 'max_completion_tokens') ??
    invalidCount(json, 'n', { maximum: 128 }) ??
    invalidCount(json, 'top_logprobs', { minimum: 0, maximum: 20 }) ??
    invalidStreamOptions(json) ??
    WITH_TOOLS.map((name) => withoutTools(json, name)).find((refused) => refused !== undefined)
  )
}

/** They say something of tools, and may not stand alone. */
const WITH_TOOLS = ['tool_choice', 'parallel_tool_calls']

function withoutTools(json: ModelRequest['json'], name: string): Reply | undefined {
  if ((json[name] ?? null) === null || (json.tools ?? null) !== null) return undefined
  return invalidRequest(400, `Invalid value for '${name}': '${name}' is only allowed when 'tools' are specified.`, name)
}

function complete({ json, model, generation }: ModelRequest, inputTokens: number): ChatCompletion {
  const call = simulatedToolCall(json.tools, json.tool_choice, (tool) => tool.function, generation.callsTools)
  const answer = simulatedResponse(generation, {
    thinks: typeof json.reasoning_effort === 'string' && json.reasoning_effort !== 'none',
    schema: schemaOfFormat(json.response_format),
    toolArguments: call?.arguments,
    maxTokens: count(json, 'max_completion_tokens') ?? count(json, 'max_tokens'),
  })
  const choices = count(json, 'n') ?? 1
  return {
    id: `chatcmpl-${generation.ids(29)}`,
    createdAtS: generation.createdAtS,
    model: model.snapshot,
    inputTokens,
    answer,
    finishReason: finishReason(call, answer.cut),
    choices,
    ...(call && { toolCall: { ...call, ids: Array.from({ length: choices }, () => `call_${generation.ids(24)}`) } }),
  }
}

/** A call of a function that the request names ends with `stop`: https://platform.openai.com/docs/guides/function-calling. */
function finishReason(call: ToolCall | undefined, cut: boolean): ChatCompletion['finishReason'] {
  if (call !== undefined) return call.named ? 'stop' : 'tool_calls'
  return cut ? 'length' : 'stop'
}

function plain({ generation }: ModelRequest, completion: ChatCompletion): Answer {
  return jsonResponse(chatCompletionObject(completion, generation.omitUsage))
}

function streamed({ json, generation }: ModelRequest, completion: ChatCompletion): Answer {
  return eventStreamResponse(chatCompletionChunks(completion, json.stream_options, generation.omitUsage))
}
