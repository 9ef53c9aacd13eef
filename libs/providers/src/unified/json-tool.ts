import type { Refusal } from '../unified-api.ts'
import type { ResponseContent } from './chat-completion.ts'
import type { ChatRequest, ChatTool } from './chat-request.ts'
import { isRefusal, refuse } from './refusal.ts'

/**
 * How a model can be made to answer by a schema: in a field of its own; by calling a tool that has the schema, which can be demanded by
 * name, or only as any call, or not demanded at all; or in no way.
 */
export type StructuredOutput = 'field' | 'named-tool' | 'any-tool' | 'offered-tool' | 'none'

/** A request as it goes on, and the tool whose call is the response's content. */
export interface WithJsonTool {
  readonly chat: ChatRequest
  readonly jsonTool?: string
}

/**
 * Says a schema of `response_format` as a tool, for a model that has no field for it. Beside tools of the application's, any of them must
 * be called, so that the model either goes on with its work or answers by the schema; where the application demands a call of its own
 * tools, the response is one, and the schema is not needed.
 */
export function withJsonTool(chat: ChatRequest, model: string, output: StructuredOutput): WithJsonTool | Refusal {
  const { response_format: format, tools = [], tool_choice: choice, ...others } = chat
  if (format?.type !== 'json_schema' || output === 'field') return { chat }
  if (output === 'none') {
    return refuse(
      'response_format',
      `The model "${model}" has no JSON schema output, and no tools that could stand for it.`,
    )
  }
  if (choice === 'required' || typeof choice === 'object') return { chat: withTools(others, tools, choice) }
  const offered = choice === 'none' ? [] : tools
  const tool = jsonTool(format.json_schema, offered, model)
  if (isRefusal(tool)) return tool
  const { name } = tool.function
  // The caller speaks of tools of its own.
  const { parallel_tool_calls: _, ...alone } = others
  const rest = offered.length === 0 ? alone : others
  return { chat: withTools(rest, [...offered, tool], demanded(output, name, offered)), jsonTool: name }
}

/**
 * The same content, with what the model gave the tool as its text. What it wrote besides is no JSON, and left out. A call that was cut off
 * before its arguments began gave it nothing.
 */
export function inJson<Content extends ResponseContent>(
  content: Content,
  jsonTool: string | undefined,
  stopReason: unknown,
): Content {
  const answer = jsonTool === undefined ? undefined : content.calls.find((call) => call.function.name === jsonTool)
  if (answer === undefined) return content
  const calls = content.calls.filter((call) => call.function.name !== jsonTool)
  const { arguments: text } = answer.function
  return { ...content, text: text === NO_ARGUMENTS && isCutOff(stopReason) ? '' : text, calls }
}

/** What a provider says of a call that has no arguments, and also of one that has none yet. */
export const NO_ARGUMENTS = '{}'

/** Whether a response ended because it reached its maximum. @param stopReason Anthropic's or AWS's */
export function isCutOff(stopReason: unknown): boolean {
  return stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded'
}

/** Whether a response ended only because of the call that is its content: for the application, it ended by itself. */
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
      `The model "${model}" takes the schema as that of a tool, which must be of the type "object".`,
    )
  }
  return {
    type: 'function',
    function: {
      name: freeName(name, tools),
      description: description === undefined ? INSTRUCTION : `${description}\n\n${INSTRUCTION}`,
      parameters: schema,
    },
  }
}

const INSTRUCTION =
  'Gives the answer: call this tool once, with the whole answer as its arguments, instead of writing text.'

function freeName(wanted: string, tools: readonly ChatTool[]): string {
  const taken = new Set(tools.map((tool) => tool.function.name))
  if (!taken.has(wanted)) return wanted
  for (let number = 1; ; number++) {
    const name = `json_response_${number}`
    if (!taken.has(name)) return name
  }
}

function demanded(
  output: Exclude<StructuredOutput, 'field' | 'none'>,
  name: string,
  others: readonly ChatTool[],
): ChatRequest['tool_choice'] {
  if (output === 'offered-tool') return undefined
  return output === 'named-tool' && others.length === 0 ? { type: 'function', function: { name } } : 'required'
}
