import type { ExtraContent, ResponseToolCall } from '../unified/chat-completion.ts'
import type { ChatRequest, ChatTool } from '../unified/chat-request.ts'
import { refuse } from '../unified/refusal.ts'
import { callerSchema } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { signed } from './reasoning.ts'
import type { CallingConfig, GeminiFunction, GeminiRequest } from './wire-types.ts'

/** A tool call as a response holds it. */
export interface CallPart {
  readonly kind: 'call'
  /** Newer models give their calls ids. */
  readonly id: string | undefined
  readonly name: string
  /** JSON text. */
  readonly args: string
  readonly signature: string | undefined
}

/** @see https://ai.google.dev/gemini-api/docs/function-calling */
export function toolSettings({
  tools = [],
  tool_choice: choice = 'auto',
}: ChatRequest): Pick<GeminiRequest, 'tools' | 'toolConfig'> | Refusal {
  if (tools.length === 0) {
    const needsTool = choice !== 'auto' && choice !== 'none'
    return needsTool ? refuse('tool_choice', 'There are no tools to choose from.') : {}
  }
  if (typeof choice === 'object' && !tools.some((tool) => tool.function.name === choice.function.name)) {
    return refuse('tool_choice.function.name', `There is no tool "${choice.function.name}".`)
  }
  return {
    tools: [{ functionDeclarations: tools.map(declaration) }],
    toolConfig: { functionCallingConfig: callingConfig(choice, tools) },
  }
}

function declaration({ function: { name, description, parameters } }: ChatTool): GeminiFunction {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parametersJsonSchema: callerSchema(parameters) }),
  }
}

/** Strictness is a mode of all tools together: `VALIDATED` where the model may answer in text, and always in `ANY`. */
function callingConfig(choice: NonNullable<ChatRequest['tool_choice']>, tools: readonly ChatTool[]): CallingConfig {
  if (typeof choice === 'object') return { mode: 'ANY', allowedFunctionNames: [choice.function.name] }
  if (choice === 'auto') return { mode: tools.some((tool) => tool.function.strict === true) ? 'VALIDATED' : 'AUTO' }
  return { mode: choice === 'required' ? 'ANY' : 'NONE' }
}

export type SignedToolCall = ResponseToolCall & ExtraContent

/**
 * Says the calls of one answer in OpenAI's words. Those without an id get one that no other answer has; it is short enough for OpenAI,
 * which takes no id of more than 40 characters where the conversation goes on there.
 */
export class ToolCalls {
  readonly #responseId: string
  #told = 0

  constructor(responseId: string) {
    this.#responseId = responseId.replaceAll('-', '')
  }

  tell({ id, name, args, signature }: CallPart): SignedToolCall {
    const number = this.#told++
    return {
      id: id ?? `call_${this.#responseId}_${number.toString(36)}`,
      type: 'function',
      function: { name, arguments: args },
      ...signed(signature),
    }
  }
}
