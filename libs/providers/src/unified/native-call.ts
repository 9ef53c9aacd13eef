import type { NativeCall, Refusal, RequestedResponse, UnifiedRequest } from '../unified-api.ts'
import { writeJson } from '../wire/opaque-json.ts'
import type { ChatRequest } from './chat-request.ts'
import { type EmbeddingsRequest, embeddingInputs } from './embeddings.ts'
import { refuse } from './refusal.ts'

interface JsonCall extends Pick<NativeCall, 'path' | 'requested'> {
  readonly query?: string
  /** Besides the content type. */
  readonly headers?: Readonly<Record<string, string>>
  /** May contain `OpaqueJson`. */
  readonly body: object
}

/** Returns the call that sends a translated chat request as JSON. */
export function jsonCall({ path, query = '', headers = {}, body, requested }: JsonCall): NativeCall | Refusal {
  const text = writeJson(body)
  if (text === undefined) return refuse('messages', 'The request is nested too deeply.')
  return {
    status: 'translated',
    path,
    query,
    headers: { ...headers, 'content-type': 'application/json' },
    body: Buffer.from(text),
    requested,
  }
}

/** Returns which response a chat request asks for. @param jsonTool the tool whose call becomes the content */
export function requestedChat(
  { model, responseId, receivedAtMs }: UnifiedRequest,
  { stream, stream_options }: Pick<ChatRequest, 'stream' | 'stream_options'>,
  jsonTool?: string,
): RequestedResponse {
  const includesUsage = stream_options?.include_usage === true
  const requested = { model, responseId, receivedAtMs, streamed: stream === true, includesUsage }
  return jsonTool === undefined ? requested : { ...requested, jsonTool }
}

/** Returns which response an embeddings request asks for. */
export function requestedEmbeddings(
  { model, responseId, receivedAtMs }: UnifiedRequest,
  request: EmbeddingsRequest,
): RequestedResponse {
  const embeddings = { count: embeddingInputs(request).length, inBase64: request.encoding_format === 'base64' }
  return { model, responseId, receivedAtMs, streamed: false, includesUsage: false, embeddings }
}
