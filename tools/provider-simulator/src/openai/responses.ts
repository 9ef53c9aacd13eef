import { isRecord } from '../core/json.ts'
import { generateOutput, type OutputText, pieces } from '../core/model-output.ts'
import { jsonResponse, namedEvent } from '../core/responses.ts'
import { tokensOfChars } from '../core/token-counts.ts'
import { contentChars, positiveInteger, schemaOfTextFormat, simulatedToolCall, type ToolCall } from './chat-request.ts'
import { eventStreamResponse, obfuscation } from './event-stream.ts'
import { type ModelRequest, modelRoute } from './models.ts'
import { missingParameter } from './request-validation.ts'

/** https://platform.openai.com/docs/api-reference/responses/create */
export const responses = modelRoute('/v1/responses', 'chat', (request) => {
  const { json, model } = request
  const inputTokens = tokensOfChars(contentChars(json.input) + contentChars(json.instructions))
  const problem = missingParameter(json, 'input')
  if (problem !== undefined) return { ...problem, charge: { model: model.id, inputTokens, outputTokens: 0 } }
  const response = respond(request, inputTokens)
  return {
    charge: { model: model.id, inputTokens, outputTokens: response.outputTokens },
    respond: () =>
      json.stream === true ? eventStreamResponse(responseEvents(response)) : jsonResponse(finishedResponse(response)),
  }
})

function respond({ json, model, generation }: ModelRequest, inputTokens: number): ModelResponse {
  const call = simulatedToolCall(json.tools, json.tool_choice, (tool) => tool, generation.callsTools)
  const output = generateOutput(generation, {
    thinks: false,
    schema: schemaOfTextFormat(json.text),
    toolArguments: call?.arguments,
    maxTokens: positiveInteger(json.max_output_tokens),
  })
  return {
    id: `resp_${generation.ids(48)}`,
    itemId: `${call === undefined ? 'msg' : 'fc'}_${generation.ids(48)}`,
    createdAtS: generation.createdAtS,
    model: model.snapshot,
    request: json,
    inputTokens,
    outputTokens: output.outputTokens,
    text: output.text,
    truncated: output.truncated && call === undefined,
    omitUsage: generation.omitUsage,
    ...(call && { toolCall: { ...call, id: `call_${generation.ids(24)}` } }),
  }
}

/** The content of a response of the Responses API, whether it is sent whole or streamed. */
interface ModelResponse {
  readonly id: string
  /** The id of its only output item. */
  readonly itemId: string
  readonly createdAtS: number
  /** The dated version of the model. */
  readonly model: string
  /** The request's body: the response repeats parts of it. */
  readonly request: ModelRequest['json']
  readonly inputTokens: number
  readonly outputTokens: number
  /** Not sent if there is a tool call. */
  readonly text: OutputText
  /** The caller's maximum ended it early. */
  readonly truncated: boolean
  readonly omitUsage: boolean
  /** In place of text. */
  readonly toolCall?: ToolCall & { readonly id: string }
}

/** https://platform.openai.com/docs/api-reference/responses/object, complete. */
function finishedResponse(response: ModelResponse) {
  const status = finishedStatus(response)
  return {
    ...responseObject(response, status, [outputItem(response, status)]),
    ...(!response.omitUsage && { usage: usageOf(response) }),
  }
}

/** Nothing is cached, and nothing reasoned. */
function usageOf({ inputTokens, outputTokens }: ModelResponse) {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  }
}

/** Returns the same object before there is any output. */
function startedResponse(response: ModelResponse) {
  return { ...responseObject(response, 'in_progress', []), usage: null }
}

function finishedStatus(response: ModelResponse): 'completed' | 'incomplete' {
  return response.truncated ? 'incomplete' : 'completed'
}

/** Returns the message or the function call that the response consists of. */
function outputItem(response: ModelResponse, status: ItemStatus) {
  const { itemId, toolCall, text } = response
  const started = status === 'in_progress'
  if (toolCall !== undefined) {
    const { id, name } = toolCall
    const args = started ? '' : toolCall.arguments
    return { id: itemId, type: 'function_call', status, arguments: args, call_id: id, name }
  }
  const content = started ? [] : [textPart(text.whole())]
  return { id: itemId, type: 'message', status, content, role: 'assistant' }
}

function textPart(text: string) {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

type ItemStatus = 'in_progress' | 'completed' | 'incomplete'

function responseObject(response: ModelResponse, status: ItemStatus, output: readonly unknown[]) {
  const { request } = response
  return {
    id: response.id,
    object: 'response',
    created_at: response.createdAtS,
    status,
    background: false,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model: response.model,
    output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: request.text ?? { format: { type: 'text' } },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    user: request.user ?? null,
    metadata: request.metadata ?? {},
  }
}

/**
 * Streams named events, numbered from 0, one delta per token. The last event has the finished response with its usage;
 * there is no `[DONE]`.
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 */
function* responseEvents(response: ModelResponse): Generator<string> {
  let sequence = 0
  for (const { type, ...fields } of events(response)) {
    yield namedEvent(type, { type, sequence_number: sequence, ...fields })
    sequence += 1
  }
}

interface ResponseEvent {
  readonly type: string
  readonly [field: string]: unknown
}

function* events(response: ModelResponse): Generator<ResponseEvent> {
  const status = finishedStatus(response)
  const started = startedResponse(response)
  yield { type: 'response.created', response: started }
  yield { type: 'response.in_progress', response: started }
  yield { type: 'response.output_item.added', output_index: 0, item: outputItem(response, 'in_progress') }
  yield* response.toolCall === undefined ? textEvents(response) : callEvents(response, response.toolCall.arguments)
  yield { type: 'response.output_item.done', output_index: 0, item: outputItem(response, status) }
  yield { type: `response.${status}`, response: finishedResponse(response) }
}

function* textEvents({ itemId, text, request }: ModelResponse): Generator<ResponseEvent> {
  const place = { item_id: itemId, output_index: 0, content_index: 0 }
  const options = isRecord(request.stream_options) ? request.stream_options : {}
  const obfuscate = options.include_obfuscation !== false
  yield { type: 'response.content_part.added', ...place, part: textPart('') }
  let index = 0
  for (const delta of text.pieces()) {
    const padding = obfuscate ? { obfuscation: obfuscation(index) } : {}
    yield { type: 'response.output_text.delta', ...place, delta, logprobs: [], ...padding }
    index += 1
  }
  yield { type: 'response.output_text.done', ...place, text: text.whole(), logprobs: [] }
  yield { type: 'response.content_part.done', ...place, part: textPart(text.whole()) }
}

function* callEvents({ itemId }: ModelResponse, args: string): Generator<ResponseEvent> {
  const place = { item_id: itemId, output_index: 0 }
  for (const delta of pieces(args)) {
    yield { type: 'response.function_call_arguments.delta', ...place, delta }
  }
  yield { type: 'response.function_call_arguments.done', ...place, arguments: args }
}
