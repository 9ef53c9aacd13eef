import type { Refusal } from '../unified-api.ts'
import type { ResponseContent } from './chat-completion.ts'
import type { ChatRequest, ChatTool } from './chat-request.ts'
import { isRefusal, refuse } from './refusal.ts'

/**
 * The ways to make a model follow a response schema: by a request field; by a tool that has the schema, which the
 * request can force by name, only as any tool, or not at all; or not in any way.
 */
export type StructuredOutput = 'field' | 'named-tool' | 'any-tool' | 'offered-tool' | 'none'

/** The request to send, and the tool whose call becomes the response's content. */
export interface WithJsonTool {
  readonly chat: ChatRequest
  readonly jsonTool?: string
}

/**
 * Turns the schema of `response_format` into a tool, for a model that has no field for it. Beside the application's own
 * tools, any tool call is required, so that the model either continues its work or responds by the schema. Where the
 * application forces a call of its own tools, the schema is not needed.
 */
export function withJsonTool(chat: ChatRequest, model: string, output: StructuredOutput): WithJsonTool | Refusal {
  const { response_format: format, tools = [], tool_choice: choice, ...others } = chat
  if (format?.type !== 'json_schema' || output === 'field') return { chat }
  if (output === 'none') {
    return refuse('response_format', `The model "${model}" supports neither JSON schema output nor tools.`)
  }
  if (choice === 'required' || typeof choice === 'object') return { chat: withTools(others, tools, choice) }
  const offered = choice === 'none' ? [] : tools
  const tool = jsonTool(format.json_schema, offered, model)
  if (isRefusal(tool)) return tool
  const { name } = tool.function
  // `parallel_tool_calls` is about the caller's own tools.
  const { parallel_tool_calls: _, ...alone } = others
  const rest = offered.length === 0 ? alone : others
  return { chat: withTools(rest, [...offered, tool], toolChoiceFor(output, name, offered)), jsonTool: name }
}

/** Refuses JSON mode, for a provider whose structured output needs a schema. @param provider its display name */
export function refuseJsonMode(provider: string): Refusal {
  return refuse(
    'response_format.type',
    `${provider} has no JSON mode without a schema: use the type "json_schema" with a schema.`,
  )
}

/**
 * Returns the content with the JSON tool's arguments as its text. Other text is not JSON and is left out. A call that
 * was cut off before its arguments gives empty text.
 */
export function inJson<Content extends ResponseContent>(
  content: Content,
  jsonTool: string | undefined,
  stopReason: unknown,
): Content {
  const jsonCall = jsonTool === undefined ? undefined : content.calls.find((call) => call.function.name === jsonTool)
  if (jsonCall === undefined) return content
  const calls = content.calls.filter((call) => call.function.name !== jsonTool)
  const { arguments: text } = jsonCall.function
  return { ...content, text: text === NO_ARGUMENTS && isCutOff(stopReason) ? '' : text, calls }
}

/** The arguments that providers report for a call that has none, or none yet. */
export const NO_ARGUMENTS = '{}'

/** Returns whether a response ended because it reached a token limit. @param stopReason Anthropic's or AWS's */
export function isCutOff(stopReason: unknown): boolean {
  return stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded'
}

/** Returns whether a response ended only because of the JSON tool call: for the application that is a normal stop. */
export function endsWithJson(jsonTool: string | undefined, stopReason: unknown, hasToolCalls: boolean): boolean {
  return jsonTool !== undefined && stopReason === 'tool_use' && !hasToolCalls
}

function withTools(
  chat: Omit<ChatRequest, 'tools' | 'tool_choice' | 'response_format'>,
  tools: readonly ChatTool[],
  choice: ChatRequest['tool_choice'],
): ChatRequest {
  return { ...chat, tools: [...tools], ...(choice === undefined ? {} : { tool_choice: choice }) }
}

function jsonTool(
  {
    name,
    description,
    schema,
  }: {
    readonly name: string
    readonly description?: string
    readonly schema: ChatTool['function']['parameters'] & object
  },
  tools: readonly ChatTool[],
  model: string,
): ChatTool | Refusal {
  if ('type' in schema && schema.type !== 'object') {
    return refuse(
      'response_format.json_schema.schema.type',
      `The model "${model}" takes the schema as a tool's, whose type must be "object".`,
    )
  }
  return {
    type: 'function',
    function: {
      name: unusedName(name, tools),
      description: description === undefined ? INSTRUCTION : `${description}\n\n${INSTRUCTION}`,
      parameters: schema,
    },
  }
}

const INSTRUCTION =
  'Gives the answer: call this tool once, with the whole answer as its arguments, instead of writing text.'

function unusedName(wanted: string, tools: readonly ChatTool[]): string {
  const taken = new Set(tools.map((tool) => tool.function.name))
  if (!taken.has(wanted)) return wanted
  for (let number = 1; ; number++) {
    const name = `json_response_${number}`
    if (!taken.has(name)) return name
  }
}

function toolChoiceFor(
  output: Exclude<StructuredOutput, 'field' | 'none'>,
  name: string,
  others: readonly ChatTool[],
): ChatRequest['tool_choice'] {
  if (output === 'offered-tool') return undefined
  return output === 'named-tool' && others.length === 0 ? { type: 'function', function: { name } } : 'required'
}
