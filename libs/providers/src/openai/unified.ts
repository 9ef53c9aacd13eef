import {
  listedModel,
  type NativeCall,
  type RequestedResponse,
  type ResponseTranslation,
  type ResponseTranslator,
  type UnifiedApi,
  type UnifiedRequest,
} from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { withMember } from '../wire/json-members.ts'
import { nonOpenAiError } from './errors.ts'
import { GuardedStream, StreamOrDocument } from './unified-stream.ts'

/**
 * The unified API of a provider that speaks OpenAI's API: passes requests through with the provider's name of the
 * model.
 * @param root the provider's path prefix, such as `/v1`
 */
export function openAiUnified(root: string): UnifiedApi {
  return {
    chat: { request: (request) => passThrough(`${root}/chat/completions`, request), response: checkedResponse },
    embeddings: { request: (request) => passThrough(`${root}/embeddings`, request), response: checkedResponse },
    models: { path: `${root}/models`, query: '', headers: {}, read: readModels },
  }
}

function passThrough(path: string, request: UnifiedRequest): NativeCall {
  const { model, responseId, receivedAtMs } = request
  const body = withMember(request.bytes, 'model', JSON.stringify(model))
  const requested = {
    model,
    responseId,
    receivedAtMs,
    streamed: request.body.stream === true,
    includesUsage: asksForUsage(request.body),
  }
  return { status: 'translated', path, query: '', headers: undefined, body, requested }
}

const EMPTY = Buffer.alloc(0)

const PASS_THROUGH: ResponseTranslator = {
  contentType: undefined,
  failed: false,
  push: (chunk) => chunk,
  end: () => EMPTY,
  breakOff: () => EMPTY,
}

function asksForUsage({ stream_options: options }: UnifiedRequest['body']): boolean {
  return isRecord(options) && options.include_usage === true
}

function checkedResponse({ streamed, includesUsage }: RequestedResponse): ResponseTranslation {
  return {
    translator: (contentType) => {
      const isEventStream = contentType.startsWith('text/event-stream')
      // Whatever the content type: only a stream can be checked for its end.
      if (streamed) return new StreamOrDocument(isEventStream, includesUsage)
      return isEventStream ? new GuardedStream() : PASS_THROUGH
    },
    error: nonOpenAiError,
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
