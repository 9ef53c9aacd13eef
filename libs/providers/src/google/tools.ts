import type { ExtraContent, ResponseToolCall } from '../unified/chat-completion.ts'
import type { ChatRequest, ChatTool } from '../unified/chat-request.ts'
import { callerSchema, refuseToolChoice } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { signed } from './reasoning.ts'
import type { CallPart } from './response.ts'
import type { CallingConfig, GeminiFunction, GeminiRequest } from './wire-types.ts'

/** @see https://ai.google.dev/gemini-api/docs/function-calling */
export function toTooling(chat: ChatRequest): Pick<GeminiRequest, 'tools' | 'toolConfig'> | Refusal {
  const refusal = refuseToolChoice(chat)
  if (refusal !== undefined) return refusal
  const { tools = [], tool_choice: choice = 'auto' } = chat
  if (tools.length === 0) return {}
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
  #count = 0

  constructor(responseId: string) {
    this.#responseId = responseId.replaceAll('-', '')
  }

  toToolCall({ id, name, args, signature }: CallPart): SignedToolCall {
    const number = this.#count++
    return {
      id: id ?? `call_${this.#responseId}_${number.toString(36)}`,
      type: 'function',
      function: { name, arguments: args },
      ...signed(signature),
    }
  }
}
