import { askedChat } from '../../unified/asked-answer.ts'
import { keepSchemas } from '../../unified/caller-schema.ts'
import { jsonCall } from '../../unified/json-call.ts'
import { type ChatAbilities, readChatRequest } from '../../unified/read-chat-request.ts'
import { isRefusal } from '../../unified/refusal.ts'
import type { Translation, UnifiedRequest } from '../../unified-api.ts'
import { conversation } from './conversation.ts'
import { generationConfig } from './generation-config.ts'
import { Images } from './image-part.ts'
import { isNewGeneration, resourceName } from './model-name.ts'
import { toolSettings } from './tools.ts'
import type { GeminiRequest } from './wire-types.ts'

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
    answer: askedChat(request, chat),
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
