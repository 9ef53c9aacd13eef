import type { WireHeaders } from './wire/headers.ts'

/**
 * OpenAI's API in front of one provider: translates its requests to the provider's own API and the responses back. Does
 * no I/O, has no state and reads no clock. Never throws, whatever the shape of its input.
 */
export interface UnifiedApi {
  /** @see https://platform.openai.com/docs/api-reference/chat/create */
  readonly chat: UnifiedOperation
  /** @see https://platform.openai.com/docs/api-reference/embeddings/create */
  readonly embeddings: UnifiedOperation
  /** The list of models; absent where the provider's API cannot list them. */
  readonly models?: ModelList
}

/** One operation of OpenAI's API, in both directions. */
export interface UnifiedOperation {
  request(request: UnifiedRequest): Translation
  /** Set where JSON inside strings of the request is parsed, such as the arguments of tool calls. */
  readonly opensStrings?: true
  /** Translates the response to a {@link NativeCall} that {@link request} made. */
  response(requested: RequestedResponse): ResponseTranslation
}

/** A request to the OpenAI API for one connection. */
export interface UnifiedRequest {
  /** The parsed body, a JSON object, and its bytes. Its `model` still has the connection's name in it. */
  readonly body: Readonly<Record<string, unknown>>
  readonly bytes: Buffer
  /** The provider's own name of the model. */
  readonly model: string
  /** The maximum to send where the caller states none and the provider requires one. */
  readonly defaultMaxOutputTokens: number
  /** The images that an earlier {@link ImagesNeeded} requested, by URL. */
  readonly images: ReadonlyMap<string, InlineImage>
  /** Becomes the response's `id`: OpenAI's responses have one, other providers' do not. */
  readonly responseId: string
  /** Unix milliseconds. */
  readonly receivedAtMs: number
}

export type Translation = NativeCall | Refusal | ImagesNeeded

/** The request to send to the provider, and how to translate its response. */
export interface NativeCall {
  readonly status: 'translated'
  /** As the provider's SDK sends it: {@link ProviderAdapter.operation} knows it. */
  readonly path: string
  /** Without the question mark; empty for none. */
  readonly query: string
  /**
   * The headers besides those that authenticate. Undefined: the caller's headers are sent, because the provider speaks
   * OpenAI's API itself.
   */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: Buffer
  readonly requested: RequestedResponse
}

/**
 * Everything that the form of the response depends on. Plain data, because requests may be translated in another
 * thread.
 */
export interface RequestedResponse extends Pick<UnifiedRequest, 'model' | 'responseId' | 'receivedAtMs'> {
  readonly streamed: boolean
  /** The stream ends with the usage (`stream_options.include_usage`). */
  readonly includesUsage: boolean
  /** The tool whose call becomes the content, for a model that can follow a schema in no other way. */
  readonly jsonTool?: string
  /** For embeddings: how many are expected, and whether each is the base64 of 32-bit floats. */
  readonly embeddings?: { readonly count: number; readonly inBase64: boolean }
}

/** The provider cannot do what is asked, or the request does not match OpenAI's API. */
export interface Refusal {
  readonly status: 'refused'
  /** `unsupported_operation`: the provider has no such operation, whatever the parameters. */
  readonly code: 'invalid_request' | 'unsupported_operation'
  readonly message: string
  /** The path of the parameter at fault: `messages.0.content`. */
  readonly param?: string
}

/** The provider takes images only inside the request: fetch those at `urls`, then translate again. */
export interface ImagesNeeded {
  readonly status: 'images-needed'
  /** https URLs without duplicates. */
  readonly urls: readonly string[]
}

export interface InlineImage {
  /** For example `image/png`. */
  readonly mediaType: string
  readonly base64: string
}

/** Translates a provider's response to a {@link NativeCall}. */
export interface ResponseTranslation {
  /** Returns a translator for one uncompressed 2xx response. @param contentType the response's, in lower case */
  translator(contentType: string): ResponseTranslator
  /** Translates an error response (status 400 and above). Undefined: it is in OpenAI's format already. */
  error(status: number, body: Buffer, headers: WireHeaders): TranslatedError | undefined
}

/** Translates one response body as it streams through. */
export interface ResponseTranslator {
  /** The translated response's content type; undefined where the provider's stays. */
  readonly contentType: string | undefined
  /**
   * The response cannot be translated to its end: the stream has ended with an error event; without a stream nothing is
   * returned.
   */
  readonly failed: boolean
  /**
   * The provider's own error, where a response that is not streamed was understood and is an error. Undefined where it
   * was not understood, and before `end`.
   */
  readonly failure?: TranslatedError | undefined
  /** Takes the next bytes; returns those to send now. */
  push(chunk: Buffer): Buffer
  /**
   * Call at the end of the response. Returns the remaining bytes. A stream that ended without its last event gets an
   * error event, never a silent end. Undefined where the response cannot be translated and nothing of it has been sent.
   */
  end(): Buffer | undefined
  /**
   * Call when the response was aborted. Returns the error event that ends a stream, unless it was complete; empty where
   * the response is not streamed.
   */
  breakOff(message: string): Buffer
}

export interface TranslatedError {
  readonly message: string
  /** The provider's own error code. */
  readonly code: string | null
}

/** The call that lists a provider's models, page after page. */
export interface ModelList {
  readonly path: string
  /** The first page's query without the question mark; empty for none. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** Reads the JSON of one page; undefined where it is not such a page. */
  read(page: unknown): ModelPage | undefined
}

export interface ModelPage {
  readonly models: readonly ListedModel[]
  /** The next page's query; absent on the last page. */
  readonly nextQuery?: string
}

export interface ListedModel {
  /** The name to call it by. */
  readonly id: string
  /** Unix seconds; absent where the provider does not report it. */
  readonly createdAtS?: number
}

/** @param createdAtS Unix seconds; any other value counts as unknown */
export function listedModel(id: string, createdAtS: unknown): ListedModel {
  return typeof createdAtS === 'number' && Number.isSafeInteger(createdAtS) ? { id, createdAtS } : { id }
}
