import type { ChatRequest } from '../unified/chat-request.ts'
import { jsonCall, requestedChat } from '../unified/native-call.ts'
import { type ChatAbilities, readChatRequest, statedMaximum } from '../unified/read-chat-request.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import { describedSchema, keepSchemas } from '../unified/tools.ts'
import type { Refusal, Translation, UnifiedRequest } from '../unified-api.ts'
import { conversation } from './conversation.ts'
import { Images, mediaResolution } from './media-parts.ts'
import { isNewGeneration, resourceName } from './models.ts'
import { thinkingConfig } from './reasoning.ts'
import { toolSettings } from './tools.ts'
import type { GeminiConfig, GeminiRequest } from './wire-types.ts'

/** @see https://ai.google.dev/api/generate-content */
export function chatCall(request: UnifiedRequest): Translation {
  const { model } = request
  keepSchemas(request)
  const chat = readChatRequest(request.body, ABILITIES)
  if (isRefusal(chat)) return chat
  const resource = resourceName(model)
  if (typeof resource === 'object') return resource
  const config = generationConfig(chat, model)
  if (isRefusal(config)) return config
  const tools = toolSettings(chat)
  if (isRefusal(tools)) return tools
  const images = new Images(request.images)
  const turns = conversation({ messages: chat.messages, images, isNew: isNewGeneration(model) })
  if (isRefusal(turns)) return turns
  if (images.missing.size > 0) return { status: 'images-needed', urls: [...images.missing] }
  const body: GeminiRequest = { ...turns, ...tools, generationConfig: config }
  return jsonCall({
    path: `/v1beta/${resource}:${chat.stream ? 'streamGenerateContent' : 'generateContent'}`,
    query: chat.stream ? 'alt=sse' : '',
    body,
    requested: requestedChat(request, chat),
  })
}

const ABILITIES: ChatAbilities = {
  provider: 'Google',
  parameters: new Set([
    'frequency_penalty',
    'logprobs',
    'n',
    'presence_penalty',
    'reasoning_effort',
    'response_format',
    'seed',
    'top_logprobs',
  ]),
  parts: ['file', 'input_audio'],
}

export function generationConfig(request: ChatRequest, model: string): GeminiConfig | Refusal {
  const { seed, stop, logprobs, top_logprobs: topLogprobs } = request
  if (seed !== undefined && seed !== (seed | 0)) return refuse('seed', "Google's seeds are integers of 32 bits.")
  if (topLogprobs !== undefined && logprobs !== true) return refuse('top_logprobs', 'It needs "logprobs" to be true.')
  const thinking = thinkingConfig(request.reasoning_effort, model)
  if (thinking !== undefined && isRefusal(thinking)) return thinking
  const resolution = mediaResolution(request.messages)
  if (typeof resolution === 'object') return resolution
  return {
    candidateCount: request.n,
    maxOutputTokens: statedMaximum(request),
    temperature: request.temperature,
    topP: request.top_p,
    seed,
    stopSequences: typeof stop === 'string' ? [stop] : stop,
    frequencyPenalty: request.frequency_penalty,
    presencePenalty: request.presence_penalty,
    responseLogprobs: logprobs,
    logprobs: topLogprobs,
    thinkingConfig: thinking,
    mediaResolution: resolution,
    ...responseFormat(request),
  }
}

/** Google has no name for a schema; what the caller describes it by goes into it. */
function responseFormat({ response_format: format }: ChatRequest): GeminiConfig {
  if (format === undefined || format.type === 'text') return {}
  if (format.type === 'json_object') return { responseMimeType: 'application/json' }
  const { description, schema } = format.json_schema
  return {
    responseMimeType: 'application/json',
    responseJsonSchema: describedSchema(schema, description),
  }
}
