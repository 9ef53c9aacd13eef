import type { Tool, ToolChoice, ToolUseBlockParam } from '@anthropic-ai/sdk/resources/messages'
import { toToolChoice } from '../claude/parameters.ts'
import type { ResponseToolCall } from '../unified/chat-completion.ts'
import type { ChatRequest, ChatTool, ToolCall } from '../unified/chat-request.ts'
import { isRefusal } from '../unified/refusal.ts'
import { callArguments, callerSchema, refuseToolChoice } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { writtenText } from '../wire/json-source.ts'

/** The SDK's type, except for the schema, which is passed on as the caller wrote it. */
type WireTool = Omit<Tool, 'input_schema'> & { readonly input_schema: object }

/** A message's parameters for tools. */
export interface Tooling {
  readonly tools?: readonly WireTool[]
  readonly tool_choice?: ToolChoice
}

/**
 * Translates `tools` and `tool_choice`.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
 */
export function toTooling(request: ChatRequest): Tooling | Refusal {
  const refusal = refuseToolChoice(request)
  if (refusal !== undefined) return refusal
  const { tools = [] } = request
  // Without tools Anthropic accepts no choice either, and the remaining choices require nothing.
  if (tools.length === 0) return {}
  const choice = toToolChoice(request)
  return { tools: tools.map(toTool), ...(choice === undefined ? {} : { tool_choice: choice }) }
}

function toTool({ function: { name, description, parameters = {}, strict } }: ChatTool): WireTool {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: callerSchema(parameters, { type: 'object', properties: {} }),
    ...(strict === true ? { strict } : {}),
  }
}

/** Translates a tool call of an earlier response to a block. @param path the call's */
export function toToolUse(call: ToolCall, path: string): ToolUseBlockParam | Refusal {
  const parsed = callArguments(call, path)
  return isRefusal(parsed) ? parsed : { type: 'tool_use', id: call.id, name: call.function.name, ...parsed }
}

/** Translates a `tool_use` block to OpenAI's tool call; undefined where it has no id or name. */
export function toToolCall(block: Readonly<Record<string, unknown>>): ResponseToolCall | undefined {
  const { id, name, input = {} } = block
  const text = writtenText(input)
  if (typeof id !== 'string' || typeof name !== 'string' || text === undefined) return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}

/** Translates the start of a streamed block, whose input is usually empty there and follows in pieces. */
export function toToolCallStart(block: Readonly<Record<string, unknown>>): ResponseToolCall | undefined {
  const call = toToolCall(block)
  if (call === undefined || hasInput(block)) return call
  return { ...call, function: { ...call.function, arguments: '' } }
}

function hasInput({ input }: Readonly<Record<string, unknown>>): boolean {
  return isRecord(input) && Object.keys(input).length > 0
}
