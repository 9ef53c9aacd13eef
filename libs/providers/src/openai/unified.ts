import {
  type AskedResponse,
  listedModel,
  type NativeCall,
  type ResponseTranslation,
  type ResponseTranslator,
  type UnifiedApi,
  type UnifiedRequest,
} from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { withMember } from '../wire/json-source.ts'
import { foreignError } from './errors.ts'
import { GuardedStream, StreamOrDocument } from './unified-stream.ts'

/**
 * OpenAI's API in front of a provider that speaks it: requests go on as they are, but for the name of the model.
 * @param root what the provider's paths begin with, as `/v1`
 */
export function openAiUnified(root: string): UnifiedApi {
  return {
    chat: { request: (request) => passOn(`${root}/chat/completions`, request), answer },
    embeddings: { request: (request) => passOn(`${root}/embeddings`, request), answer },
    models: { path: `${root}/models`, query: '', headers: {}, read: readModels },
  }
}

function passOn(path: string, request: UnifiedRequest): NativeCall {
  const { model, responseId, receivedAtMs } = request
  const body = withMember(request.bytes, 'model', JSON.stringify(model))
  const asked = {
    model,
    responseId,
    receivedAtMs,
    streamed: request.body.stream === true,
    tellsUsage: asksForUsage(request.body),
  }
  return { status: 'translated', path, query: '', headers: undefined, body, answer: asked }
}

const EMPTY = Buffer.alloc(0)

const AS_IT_IS: ResponseTranslator = {
  contentType: undefined,
  failed: false,
  push: (chunk) => chunk,
  end: () => EMPTY,
  breakOff: () => EMPTY,
}

function asksForUsage({ stream_options: options }: UnifiedRequest['body']): boolean {
  return isRecord(options) && options.include_usage === true
}

function answer({ streamed, tellsUsage }: AskedResponse): ResponseTranslation {
  return {
    translator: (contentType) => {
      const isEventStream = contentType.startsWith('text/event-stream')
      // Whatever it calls itself: what is no stream has no end that a caller of one could see.
      if (streamed) return new StreamOrDocument(isEventStream, tellsUsage)
      return isEventStream ? new GuardedStream() : AS_IT_IS
    },
    error: foreignError,
  }
}

/** @see https://platform.openai.com/docs/api-reference/models/list */
function readModels(page: unknown) {
  if (!isRecord(page) || !Array.isArray(page.data)) return undefined
  const models = page.data.flatMap((model: unknown) =>
    isRecord(model) && typeof model.id === 'string' ? [listedModel(model.id, model.created)] : [],
  )
  return { models }
}
