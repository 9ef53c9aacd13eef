import type { AskedResponse, NativeCall, Refusal, UnifiedRequest } from '../unified-api.ts'
import { writeJson } from '../wire/json-source.ts'
import type { ChatRequest } from './chat-request.ts'
import { type EmbeddingsRequest, embeddingInputs } from './embeddings.ts'
import { refuse } from './refusal.ts'

interface JsonCall extends Pick<NativeCall, 'path' | 'answer'> {
  readonly query?: string
  /** Besides the content type. */
  readonly headers?: Readonly<Record<string, string>>
  /** May hold `OpaqueJson`. */
  readonly body: object
}

/** A call that has a chat completion's translation as its body, in JSON. */
export function jsonCall({ path, query = '', headers = {}, body, answer }: JsonCall): NativeCall | Refusal {
  const text = writeJson(body)
  if (text === undefined) return refuse('messages', 'The request is nested too deeply.')
  return {
    status: 'translated',
    path,
    query,
    headers: { ...headers, 'content-type': 'application/json' },
    body: Buffer.from(text),
    answer,
  }
}

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
