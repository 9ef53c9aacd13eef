import type { ToolChoice } from '@aws-sdk/client-bedrock-runtime'
import { toToolChoice as toClaudeToolChoice } from '../claude/parameters.ts'
import type { ResponseToolCall } from '../unified/chat-completion.ts'
import { type ChatRequest, type ChatTool, isBlank, type ToolCall } from '../unified/chat-request.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import { callArguments, callerSchema, refuseToolChoice } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { foundationModel, isClaude } from './models.ts'
import { isNova, novaSchema } from './nova-schema.ts'
import type { ToolConfig, ToolSpec, ToolUseBlock } from './wire-types.ts'

/** A request's parameters for tools. */
interface Tooling {
  readonly toolConfig?: ToolConfig
  /** Members of `additionalModelRequestFields`, in the format of the model's maker. */
  readonly fields: Readonly<Record<string, unknown>>
}

interface ToolingContext {
  readonly model: string
  /** The conversation contains tool calls. */
  readonly hasToolUse: boolean
  /** The tool that stands for the schema of `response_format`. */
  readonly jsonTool?: string | undefined
}

/**
 * Translates `tools` and `tool_choice`. Converse requires tools where the conversation contains tool calls, and cannot
 * forbid new calls other than by omitting the tools.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/parallel-tool-use
 */
export function toTooling(chat: ChatRequest, { model, hasToolUse, jsonTool }: ToolingContext): Tooling | Refusal {
  const refusal = refuseToolChoice(chat)
  if (refusal !== undefined) return refusal
  const { tools = [], tool_choice: choice, parallel_tool_calls: isParallel } = chat
  if (tools.length === 0) {
    if (!hasToolUse) return { fields: {} }
    return refuse('tools', 'AWS Bedrock needs "tools" in every request whose messages contain tool calls.')
  }
  if (choice === 'none') {
    if (!hasToolUse) return { fields: {} }
    return refuse(
      'tool_choice',
      'AWS Bedrock cannot forbid tool calls ("none") in a conversation that already contains some.',
    )
  }
  const specs = toToolSpecs(tools, model, jsonTool)
  if (isRefusal(specs)) return specs
  if (isParallel !== false) {
    const toolChoice = toToolChoice(choice)
    return { toolConfig: { tools: specs, ...(toolChoice === undefined ? {} : { toolChoice }) }, fields: {} }
  }
  if (!isClaude(model)) {
    return refuse('parallel_tool_calls', "AWS Bedrock can forbid parallel tool calls to Anthropic's models only.")
  }
  // Only Anthropic's own choice can forbid parallel calls, and it replaces Converse's: AWS refuses both together.
  return { toolConfig: { tools: specs }, fields: { tool_choice: toClaudeToolChoice(chat) } }
}

function toToolSpecs(tools: readonly ChatTool[], model: string, jsonTool: string | undefined): ToolSpec[] | Refusal {
  const toNova = isNova(foundationModel(model))
  const specs: ToolSpec[] = []
  for (const [index, tool] of tools.entries()) {
    const { name, description = '', parameters = {}, strict } = tool.function
    const path = name === jsonTool ? 'response_format.json_schema.schema' : `tools.${index}.function.parameters`
    const json = toNova ? novaSchema(parameters, path) : callerSchema(parameters, { type: 'object', properties: {} })
    if (isRefusal(json)) return json
    const shown = toNova && isBlank(description) ? ownDescription(parameters) : description
    specs.push({
      toolSpec: {
        name,
        ...(isBlank(shown) ? {} : { description: shown }),
        inputSchema: { json },
        ...(strict === true ? { strict } : {}),
      },
    })
  }
  return specs
}

/** Returns a schema's description, which Nova's schemas cannot have. */
function ownDescription({ description }: Readonly<Record<string, unknown>>): string {
  return typeof description === 'string' ? description : ''
}

function toToolChoice(choice: ChatRequest['tool_choice']): ToolChoice | undefined {
  if (typeof choice === 'object') return { tool: { name: choice.function.name } }
  if (choice === 'required') return { any: {} }
  return choice === 'auto' ? { auto: {} } : undefined
}

/** Translates a tool call of an earlier response to a block. @param path the call's */
export function toToolUse(call: ToolCall, path: string): ToolUseBlock | Refusal {
  const parsed = callArguments(call, path)
  if (isRefusal(parsed)) return parsed
  return { toolUse: { toolUseId: call.id, name: call.function.name, input: parsed.input } }
}

/** Translates a `toolUse`, or its start, to OpenAI's tool call; undefined where it has no id or name. */
export function toToolCall(toolUse: Readonly<Record<string, unknown>>, text: string): ResponseToolCall | undefined {
  const { toolUseId: id, name } = toolUse
  if (typeof id !== 'string' || typeof name !== 'string') return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}
