import type { ResponseText } from '../../core/simulated-answer.ts'
import type { ModelRequest } from './model-route.ts'
import type { ToolCall } from './tool-call.ts'
import { responseUsage } from './usage.ts'

/** What an answer of the Responses API says, however it is sent. */
export interface ModelResponse {
  readonly id: string
  /** Of its only output item. */
  readonly itemId: string
  readonly createdAtS: number
  /** The dated version of the model. */
  readonly model: string
  /** The request's body, parts of which the answer repeats. */
  readonly request: ModelRequest['json']
  readonly inputTokens: number
  readonly outputTokens: number
  /** Not sent where a tool call takes its place. */
  readonly text: ResponseText
  /** The caller's maximum ended it early. */
  readonly cut: boolean
  readonly omitUsage: boolean
  /** In place of text. */
  readonly toolCall?: ToolCall & { readonly id: string }
}

/** https://platform.openai.com/docs/api-reference/responses/object, when it is complete. */
export function finishedResponse(response: ModelResponse) {
  const status = finishedStatus(response)
  return {
    ...responseObject(response, status, [outputItem(response, status)]),
    ...(!response.omitUsage && { usage: responseUsage(response.inputTokens, response.outputTokens) }),
  }
}

/** The same object before there is any output. */
export function startedResponse(response: ModelResponse) {
  return { ...responseObject(response, 'in_progress', []), usage: null }
}

export function finishedStatus(response: ModelResponse): 'completed' | 'incomplete' {
  return response.cut ? 'incomplete' : 'completed'
}

/** The message or the function call that the response consists of. */
export function outputItem(response: ModelResponse, status: ItemStatus) {
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

export function textPart(text: string) {
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
