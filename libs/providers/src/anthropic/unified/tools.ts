import type { Tool, ToolChoice } from '@anthropic-ai/sdk/resources/messages'
import type { ChatRequest, ChatTool } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'

/** The parameters of a message that are about tools. */
export interface Tooling {
  readonly tools?: Tool[]
  readonly tool_choice?: ToolChoice
}

/** @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools */
export function toTooling(request: ChatRequest): Tooling | Refusal {
  const { tools = [] } = request
  const choice = toToolChoice(request)
  if (choice !== undefined && isRefusal(choice)) return choice
  // Without tools Anthropic takes no choice either, and none of them asks for anything.
  if (tools.length === 0) return {}
  return { tools: tools.map(toTool), ...(choice === undefined ? {} : { tool_choice: choice }) }
}

/** Whether the answer must have a tool call. */
export function forcesTool({ tool_choice: choice }: ChatRequest): boolean {
  return choice === 'required' || typeof choice === 'object'
}

function toTool({ function: { name, description, parameters, strict } }: ChatTool): Tool {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: { type: 'object', properties: {}, ...parameters },
    ...(strict === true ? { strict } : {}),
  }
}

function toToolChoice(request: ChatRequest): ToolChoice | Refusal | undefined {
  const { tools = [], tool_choice: choice, parallel_tool_calls: isParallel } = request
  if (forcesTool(request) && tools.length === 0) return refuse('tool_choice', 'There are no tools to choose from.')
  const serial = isParallel === false ? { disable_parallel_tool_use: true } : undefined
  if (typeof choice === 'object') {
    const { name } = choice.function
    if (tools.some((tool) => tool.function.name === name)) return { type: 'tool', name, ...serial }
    return refuse('tool_choice.function.name', `There is no tool "${name}" in "tools".`)
  }
  switch (choice) {
    case 'none':
      return { type: 'none' }
    case 'required':
      return { type: 'any', ...serial }
    default:
      return choice === 'auto' || serial !== undefined ? { type: 'auto', ...serial } : undefined
  }
}
