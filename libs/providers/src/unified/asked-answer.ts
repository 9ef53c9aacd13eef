import type { AskedResponse, UnifiedRequest } from '../unified-api.ts'
import type { ChatRequest } from './chat-request.ts'
import { type EmbeddingsRequest, embeddingInputs } from './embeddings-request.ts'

/** What a chat completion's answer is to be. @param jsonTool the tool whose call is its content */
export function askedChat(
  { model, responseId, receivedAtMs }: UnifiedRequest,
  { stream, stream_options }: Pick<ChatRequest, 'stream' | 'stream_options'>,
  jsonTool?: string,
): AskedResponse {
  const tellsUsage = stream_options?.include_usage === true
  const asked = { model, responseId, receivedAtMs, streamed: stream === true, tellsUsage }
  return jsonTool === undefined ? asked : { ...asked, jsonTool }
}

/** What the answer to an embeddings request is to be. */
export function askedEmbeddings(
  { model, responseId, receivedAtMs }: UnifiedRequest,
  request: EmbeddingsRequest,
): AskedResponse {
  const embeddings = { count: embeddingInputs(request).length, inBase64: request.encoding_format === 'base64' }
  return { model, responseId, receivedAtMs, streamed: false, tellsUsage: false, embeddings }
}
