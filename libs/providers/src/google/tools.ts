import type { ExtraContent, ResponseToolCall } from '../unified/chat-completion.ts'
import type { ChatRequest, ChatTool } from '../unified/chat-request.ts'
import { callerSchema, refuseToolChoice } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { signed } from './reasoning.ts'
import type { CallingConfig, GeminiFunction, GeminiRequest } from './wire-types.ts'

/** Translates `tools` and `tool_choice`. @see https://ai.google.dev/gemini-api/docs/function-calling */
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

/**
 * Google has strictness only for all tools together: `VALIDATED` where the model may return text; `ANY` is always
 * strict.
 */
function callingConfig(choice: NonNullable<ChatRequest['tool_choice']>, tools: readonly ChatTool[]): CallingConfig {
  if (typeof choice === 'object') return { mode: 'ANY', allowedFunctionNames: [choice.function.name] }
  if (choice === 'auto') return { mode: tools.some((tool) => tool.function.strict === true) ? 'VALIDATED' : 'AUTO' }
  return { mode: choice === 'required' ? 'ANY' : 'NONE' }
}

/** A tool call in a response. */
export interface CallPart {
  readonly kind: 'call'
  /** Only newer models return ids. */
  readonly id: string | undefined
  readonly name: string
  /** JSON text. */
  readonly args: string
  readonly signature: string | undefined
}

export type SignedToolCall = ResponseToolCall & ExtraContent

/**
 * Translates the calls of one response. Calls without an id get one that is unique across responses. It has at most 40
 * characters, the limit of OpenAI, where the conversation may continue.
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
