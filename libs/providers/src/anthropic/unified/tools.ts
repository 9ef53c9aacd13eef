import type { Tool, ToolChoice } from '@anthropic-ai/sdk/resources/messages'
import { callerSchema } from '../../unified/caller-schema.ts'
import type { ChatRequest, ChatTool } from '../../unified/chat-request.ts'
import { refuseToolChoice } from '../../unified/tool-choice.ts'
import type { Refusal } from '../../unified-api.ts'

/** The SDK's type, but for the schema, which goes on as the caller wrote it. */
export type WireTool = Omit<Tool, 'input_schema'> & { readonly input_schema: object }

/** The parameters of a message that are about tools. */
export interface Tooling {
  readonly tools?: readonly WireTool[]
  readonly tool_choice?: ToolChoice
}

/** @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools */
export function toTooling(request: ChatRequest): Tooling | Refusal {
  const refusal = refuseToolChoice(request)
  if (refusal !== undefined) return refusal
  const { tools = [] } = request
  // Without tools Anthropic takes no choice either, and none of them asks for anything.
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

function toToolChoice({ tool_choice: choice, parallel_tool_calls: isParallel }: ChatRequest): ToolChoice | undefined {
  const serial = isParallel === false ? { disable_parallel_tool_use: true } : undefined
  if (typeof choice === 'object') return { type: 'tool', name: choice.function.name, ...serial }
  switch (choice) {
    case 'none':
      return { type: 'none' }
    case 'required':
      return { type: 'any', ...serial }
    default:
      return choice === 'auto' || serial !== undefined ? { type: 'auto', ...serial } : undefined
  }
}
