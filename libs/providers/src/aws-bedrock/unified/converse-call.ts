import type { ConverseRequest } from '@aws-sdk/client-bedrock-runtime'
import { refuseReasoningJson } from '../../claude/reasoning.ts'
import { askedChat } from '../../unified/asked-answer.ts'
import { keepSchemas } from '../../unified/caller-schema.ts'
import { InlineImages } from '../../unified/inline-images.ts'
import { jsonCall } from '../../unified/json-call.ts'
import { type WithJsonTool, withJsonTool } from '../../unified/json-tool.ts'
import { type ChatAbilities, readChatRequest } from '../../unified/read-chat-request.ts'
import { isRefusal } from '../../unified/refusal.ts'
import type { Refusal, Translation, UnifiedRequest } from '../../unified-api.ts'
import { toConversation } from './conversation.ts'
import { toInferenceConfig } from './inference-config.ts'
import { foundationModel, modelPath } from './model.ts'
import { toOutputConfig } from './output-format.ts'
import { toReasoningFields } from './reasoning.ts'
import { toRequestMetadata } from './request-metadata.ts'
import { structuredOutputOf } from './structured-output.ts'
import { toTooling } from './tools.ts'
import type { ToolConfig } from './wire-types.ts'

/** A chat completion as a call of Converse. @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html */
export function toConverseCall(request: UnifiedRequest): Translation {
  keepSchemas(request)
  const chat = readChatRequest(request.body, ABILITIES)
  if (isRefusal(chat)) return chat
  const path = modelPath(request.model, chat.stream === true ? 'converse-stream' : 'converse')
  if (typeof path !== 'string') return path
  const structured = withJsonTool(chat, request.model, structuredOutputOf(request.model))
  if (isRefusal(structured)) return structured
  const isClaude = foundationModel(request.model)?.maker === 'anthropic'
  const conflict = isClaude ? refuseReasoningJson(chat, structured, request.model) : undefined
  if (conflict !== undefined) return conflict
  const images = new InlineImages(request.images)
  const content = toContent(structured, request, images)
  if (isRefusal(content)) return content
  if (images.missing.size > 0) return { status: 'images-needed', urls: [...images.missing] }
  return jsonCall({ path, body: content, answer: askedChat(request, chat, structured.jsonTool) })
}

const ABILITIES: ChatAbilities = {
  provider: 'AWS Bedrock',
  parameters: new Set(['metadata', 'parallel_tool_calls', 'reasoning_effort', 'response_format', 'user']),
  parts: ['file'],
}

/** The path has the model. */
type Content = Omit<ConverseRequest, 'modelId' | 'messages' | 'toolConfig' | 'additionalModelRequestFields'> & {
  readonly messages: readonly object[]
  readonly toolConfig?: ToolConfig
  readonly additionalModelRequestFields?: object
}

function toContent({ chat, jsonTool }: WithJsonTool, request: UnifiedRequest, images: InlineImages): Content | Refusal {
  const conversation = toConversation(chat.messages, images, request.model)
  if (isRefusal(conversation)) return conversation
  const tooling = toTooling(chat, { model: request.model, hasToolUse: conversation.hasToolUse, jsonTool })
  if (isRefusal(tooling)) return tooling
  const reasoning = toReasoningFields(chat, request)
  if (isRefusal(reasoning)) return reasoning
  const inferenceConfig = toInferenceConfig(chat, request.model, reasoning.maxTokens)
  if (isRefusal(inferenceConfig)) return inferenceConfig
  const outputConfig = toOutputConfig(chat)
  if (outputConfig !== undefined && isRefusal(outputConfig)) return outputConfig
  const requestMetadata = toRequestMetadata(chat)
  if (isRefusal(requestMetadata)) return requestMetadata
  const additionalModelRequestFields = { ...tooling.fields, ...reasoning.fields }
  return {
    messages: conversation.messages,
    ...(conversation.system.length === 0 ? {} : { system: [...conversation.system] }),
    ...(isEmpty(inferenceConfig) ? {} : { inferenceConfig }),
    ...(tooling.toolConfig === undefined ? {} : { toolConfig: tooling.toolConfig }),
    ...(outputConfig === undefined ? {} : { outputConfig }),
    ...(isEmpty(requestMetadata) ? {} : { requestMetadata }),
    ...(isEmpty(additionalModelRequestFields) ? {} : { additionalModelRequestFields }),
  }
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0
}
