import type { ToolChoice } from '@aws-sdk/client-bedrock-runtime'
import type { ResponseToolCall } from '../unified/chat-completion.ts'
import { type ChatRequest, type ChatTool, isBlank, type ToolCall } from '../unified/chat-request.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import { callArguments, callerSchema, refuseToolChoice } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { foundationModel } from './models.ts'
import { isNova, novaSchema } from './nova-schema.ts'
import type { ToolConfig, ToolSpec, ToolUseBlock } from './wire-types.ts'

/** What of a request is about tools. */
export interface Tooling {
  readonly toolConfig?: ToolConfig
  /** Of `additionalModelRequestFields`, in the words of the model's maker. */
  readonly fields: Readonly<Record<string, unknown>>
}

interface ToolingContext {
  readonly model: string
  /** Whether the conversation has tool calls. */
  readonly hasToolUse: boolean
  /** The tool that stands for the schema of `response_format`. */
  readonly jsonTool?: string | undefined
}

/**
 * Converse demands tools where the conversation has tool calls, and cannot forbid to call them: only without tools there are no
 * calls.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
 */
export function toTooling(chat: ChatRequest, { model, hasToolUse, jsonTool }: ToolingContext): Tooling | Refusal {
  const refusal = refuseToolChoice(chat)
  if (refusal !== undefined) return refusal
  const { tools = [], tool_choice: choice, parallel_tool_calls: isParallel } = chat
  if (tools.length === 0) {
    if (!hasToolUse) return { fields: {} }
    return refuse('tools', 'AWS Bedrock needs the tools with every request whose messages have calls of them.')
  }
  if (choice === 'none') {
    if (!hasToolUse) return { fields: {} }
    return refuse(
      'tool_choice',
      'AWS Bedrock cannot forbid tool calls ("none") in a conversation that has some already.',
    )
  }
  const toolChoice = toToolChoice(choice)
  const specs = toToolSpecs(tools, model, jsonTool)
  if (isRefusal(specs)) return specs
  const toolConfig = { tools: specs }
  if (isParallel !== false) {
    return { toolConfig: { ...toolConfig, ...(toolChoice === undefined ? {} : { toolChoice }) }, fields: {} }
  }
  const serial = serialChoice(toolChoice, model)
  return isRefusal(serial) ? serial : { toolConfig, fields: { tool_choice: serial } }
}

function toToolSpecs(tools: readonly ChatTool[], model: string, jsonTool: string | undefined): ToolSpec[] | Refusal {
  const toNova = isNova(foundationModel(model))
  const specs: ToolSpec[] = []
  for (const [index, tool] of tools.entries()) {
    const { name, description = '', parameters = {}, strict } = tool.function
    const path = name === jsonTool ? 'response_format.json_schema.schema' : `tools.${index}.function.parameters`
    const json = toNova ? novaSchema(parameters, path) : callerSchema(parameters, { type: 'object', properties: {} })
    if (isRefusal(json)) return json
    const said = toNova && isBlank(description) ? ownDescription(parameters) : description
    specs.push({
      toolSpec: {
        name,
        ...(isBlank(said) ? {} : { description: said }),
        inputSchema: { json },
        ...(strict === true ? { strict } : {}),
      },
    })
  }
  return specs
}

/** A schema's, which has no place in Nova's. */
function ownDescription({ description }: Readonly<Record<string, unknown>>): string {
  return typeof description === 'string' ? description : ''
}

type Choice = ToolChoice.AutoMember | ToolChoice.AnyMember | ToolChoice.ToolMember

function toToolChoice(choice: ChatRequest['tool_choice']): Choice | undefined {
  if (typeof choice === 'object') return { tool: { name: choice.function.name } }
  if (choice === 'required') return { any: {} }
  return choice === 'auto' ? { auto: {} } : undefined
}

/**
 * One call at a time is Anthropic's own to ask for, and stands in the place of Converse's choice: both together are refused.
 * @see https://platform.claude.com/docs/en/agents-and-tools/tool-use/parallel-tool-use
 */
function serialChoice(choice: Choice | undefined, model: string): Refusal | object {
  if (foundationModel(model)?.maker !== 'anthropic') {
    return refuse('parallel_tool_calls', "AWS Bedrock can forbid parallel tool calls to Anthropic's models only.")
  }
  const disabled = { disable_parallel_tool_use: true }
  if (choice?.tool !== undefined) return { type: 'tool', name: choice.tool.name, ...disabled }
  return { type: choice?.any === undefined ? 'auto' : 'any', ...disabled }
}

/** A tool call of an earlier answer's, as a block. @param path the call's */
export function toToolUse(call: ToolCall, path: string): ToolUseBlock | Refusal {
  const parsed = callArguments(call, path)
  if (isRefusal(parsed)) return parsed
  return { toolUse: { toolUseId: call.id, name: call.function.name, input: parsed.input } }
}

/** A `toolUse`, or its start, as a tool call of OpenAI's; undefined where it is not to be called by. */
export function toToolCall(toolUse: Readonly<Record<string, unknown>>, text: string): ResponseToolCall | undefined {
  const { toolUseId: id, name } = toolUse
  if (typeof id !== 'string' || typeof name !== 'string') return undefined
  return { id, type: 'function', function: { name, arguments: text } }
}
