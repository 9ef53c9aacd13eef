import type { JSONOutputFormat, MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages'
import {
  isClaudeBefore,
  type Reasoning,
  refuseReasoningJson,
  type Sampling,
  toReasoning,
  toSampling,
} from '../claude/parameters.ts'
import { type ChatRequest, isBlank } from '../unified/chat-request.ts'
import { type StructuredOutput, withJsonTool } from '../unified/json-tool.ts'
import { jsonCall, requestedChat } from '../unified/native-call.ts'
import { type ChatAbilities, readChatRequest, statedMaximum } from '../unified/read-chat-request.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import { describedSchema, keepSchemas } from '../unified/tools.ts'
import type { NativeCall, Refusal, UnifiedRequest } from '../unified-api.ts'
import { toConversation } from './conversation.ts'
import { VERSION_HEADER } from './models.ts'
import { type Tooling, toTooling } from './tools.ts'

/** A chat completion as a call of `POST /v1/messages`. @see https://platform.claude.com/docs/en/api/messages */
export function toMessageCall(request: UnifiedRequest): NativeCall | Refusal {
  keepSchemas(request)
  const chat = readChatRequest(request.body, ABILITIES)
  if (isRefusal(chat)) return chat
  const structured = withJsonTool(chat, request.model, structuredOutputOf(request.model))
  if (isRefusal(structured)) return structured
  const conflict = refuseReasoningJson(chat, structured, request.model)
  if (conflict !== undefined) return conflict
  const message = toMessage(structured.chat, request)
  if (isRefusal(message)) return message
  return jsonCall({
    path: '/v1/messages',
    headers: VERSION_HEADER,
    body: message,
    requested: requestedChat(request, chat, structured.jsonTool),
  })
}

/** Structured outputs begin with Claude 4.1, tools with Claude 3. @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
function structuredOutputOf(model: string): StructuredOutput {
  if (isClaudeBefore(model, 300)) return 'none'
  return isClaudeBefore(model, 401) ? 'named-tool' : 'field'
}

const ABILITIES: ChatAbilities = {
  provider: 'Anthropic',
  parameters: new Set(['parallel_tool_calls', 'reasoning_effort', 'response_format', 'user']),
  parts: ['file'],
}

type MessageParams = Omit<MessageCreateParamsBase, 'tools' | 'tool_choice' | 'output_config'> &
  Sampling &
  Tooling & {
    readonly output_config?: Omit<NonNullable<MessageCreateParamsBase['output_config']>, 'format'> & {
      readonly format?: OutputFormat
    }
  }

function toMessage(chat: ChatRequest, { model, defaultMaxOutputTokens }: UnifiedRequest): MessageParams | Refusal {
  const maxTokens = statedMaximum(chat) ?? defaultMaxOutputTokens
  const conversation = toConversation(chat.messages)
  if (isRefusal(conversation)) return conversation
  const sampling = toSampling(chat)
  if (isRefusal(sampling)) return sampling
  const stopSequences = toStopSequences(chat)
  if (isRefusal(stopSequences)) return stopSequences
  const tooling = toTooling(chat)
  if (isRefusal(tooling)) return tooling
  const reasoning = toReasoning(chat, model, maxTokens)
  if (isRefusal(reasoning)) return reasoning
  const format = toOutputFormat(chat)
  if (format !== undefined && isRefusal(format)) return format
  return {
    model,
    max_tokens: maxTokens,
    ...(conversation.system.length === 0 ? {} : { system: [...conversation.system] }),
    messages: [...conversation.messages],
    ...sampling,
    ...(stopSequences.length === 0 ? {} : { stop_sequences: stopSequences }),
    ...tooling,
    ...(reasoning.thinking === undefined ? {} : { thinking: reasoning.thinking }),
    ...outputConfig(reasoning, format),
    ...(chat.user === undefined ? {} : { metadata: { user_id: chat.user } }),
    ...(chat.stream === true ? { stream: true } : {}),
  }
}

function outputConfig({ effort }: Reasoning, format: OutputFormat | undefined): Pick<MessageParams, 'output_config'> {
  if (effort === undefined && format === undefined) return {}
  return {
    output_config: { ...(effort === undefined ? {} : { effort }), ...(format === undefined ? {} : { format }) },
  }
}

/** @see https://platform.claude.com/docs/en/api/openai-sdk on `stop` */
export function toStopSequences({ stop = [] }: ChatRequest): string[] | Refusal {
  const sequences = typeof stop === 'string' ? [stop] : stop
  return sequences.some(isBlank)
    ? refuse('stop', 'Anthropic takes no stop sequence that is only white space.')
    : sequences
}

/** The SDK's type, but for the schema, which goes on as the caller wrote it. */
export type OutputFormat = Omit<JSONOutputFormat, 'schema'> & { readonly schema: object }

/**
 * Structured outputs, which need no beta header as `output_config.format`. They always keep to the schema, as OpenAI's do with
 * `strict`; the schema's name has no place there.
 * @see https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function toOutputFormat({ response_format: format }: ChatRequest): OutputFormat | Refusal | undefined {
  switch (format?.type) {
    case 'json_schema': {
      const { schema, description } = format.json_schema
      return { type: 'json_schema', schema: describedSchema(schema, description) }
    }
    case 'json_object':
      return refuse(
        'response_format.type',
        'Anthropic has no JSON mode without a schema: use the type "json_schema" with a schema of what is wanted.',
      )
    default:
      return undefined
  }
}
