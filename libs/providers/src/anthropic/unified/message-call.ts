import type { MessageCreateParamsBase } from '@anthropic-ai/sdk/resources/messages'
import { isClaudeBefore } from '../../claude/generation.ts'
import { type Reasoning, refuseReasoningJson, toReasoning } from '../../claude/reasoning.ts'
import { type Sampling, toSampling } from '../../claude/sampling.ts'
import { askedChat } from '../../unified/asked-answer.ts'
import { keepSchemas } from '../../unified/caller-schema.ts'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { jsonCall } from '../../unified/json-call.ts'
import { type StructuredOutput, withJsonTool } from '../../unified/json-tool.ts'
import { type ChatAbilities, readChatRequest, statedMaximum } from '../../unified/read-chat-request.ts'
import { isRefusal } from '../../unified/refusal.ts'
import type { NativeCall, Refusal, UnifiedRequest } from '../../unified-api.ts'
import { VERSION_HEADER } from './api-version.ts'
import { toConversation } from './conversation.ts'
import { type OutputFormat, toOutputFormat } from './output-format.ts'
import { toStopSequences } from './stop-sequences.ts'
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
    answer: askedChat(request, chat, structured.jsonTool),
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
