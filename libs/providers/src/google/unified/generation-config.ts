import { describedSchema } from '../../unified/caller-schema.ts'
import type { ChatRequest } from '../../unified/chat-request.ts'
import { statedMaximum } from '../../unified/read-chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { mediaResolution } from './image-part.ts'
import { thinkingConfig } from './thinking.ts'
import type { GeminiConfig } from './wire-types.ts'

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
