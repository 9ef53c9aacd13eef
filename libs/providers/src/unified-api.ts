import type { WireHeaders } from './provider-adapter.ts'

/**
 * OpenAI's API in front of one provider: how its requests are said in the provider's own words, and the answers in OpenAI's. Like
 * all that is known of a provider, it does no I/O, has no state and reads no clock, and never throws, whatever the shape.
 */
export interface UnifiedApi {
  /** @see https://platform.openai.com/docs/api-reference/chat/create */
  readonly chat: UnifiedOperation
  /** @see https://platform.openai.com/docs/api-reference/embeddings/create */
  readonly embeddings: UnifiedOperation
  /** How to learn which models there are; absent where the provider's API cannot tell. */
  readonly models?: ModelList
}

/** One operation of OpenAI's API: its request in the provider's words, and the provider's answer in OpenAI's. */
export interface UnifiedOperation {
  request(request: UnifiedRequest): Translation
  /** Whether JSON that stands in strings of the request is parsed, as tool calls' arguments are. */
  readonly opensStrings?: true
  /** Reads the answer to a {@link NativeCall} that {@link request} made. */
  answer(asked: AskedResponse): ResponseTranslation
}

/** A request of the OpenAI API for one connection. */
export interface UnifiedRequest {
  /** The parsed body, a JSON object, and its bytes. Its `model` still names the connection too. */
  readonly body: Readonly<Record<string, unknown>>
  readonly bytes: Buffer
  /** The provider's own name of the model. */
  readonly model: string
  /** To state where the caller states no maximum, and the provider demands one. */
  readonly defaultMaxOutputTokens: number
  /** The images that an earlier {@link ImagesNeeded} asked for, by URL. */
  readonly images: ReadonlyMap<string, InlineImage>
  /** For the answer, which OpenAI gives a name and a time that others do not. */
  readonly responseId: string
  /** Unix milliseconds. */
  readonly receivedAtMs: number
}

export type Translation = NativeCall | Refusal | ImagesNeeded

/** What to send to the provider, and what to make of its answer. */
export interface NativeCall {
  readonly status: 'translated'
  /** As the provider's SDK sends it: {@link ProviderAdapter.operation} knows it. */
  readonly path: string
  /** Without the question mark; empty for none. */
  readonly query: string
  /**
   * The headers besides those that show who calls; undefined where the caller's go on, as the provider speaks OpenAI's API
   * itself.
   */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly body: Buffer
  readonly answer: AskedResponse
}

/** What was asked for, as far as the answer's form depends on it. Plain data, as requests may be translated in another thread. */
export interface AskedResponse extends Pick<UnifiedRequest, 'model' | 'responseId' | 'receivedAtMs'> {
  readonly streamed: boolean
  /** The stream tells its usage (`stream_options.include_usage`). */
  readonly tellsUsage: boolean
  /** The tool whose call is the content, for a model that has no other way to answer by a schema. */
  readonly jsonTool?: string
  /** Of embeddings: how many there are to be, and whether each is the base64 of 32-bit floats. */
  readonly embeddings?: { readonly count: number; readonly inBase64: boolean }
}

/** The provider cannot do what is asked, or the request is not what OpenAI's API takes. */
export interface Refusal {
  readonly status: 'refused'
  /** `unsupported_operation`: the provider has nothing like it, whatever the parameters. */
  readonly code: 'invalid_request' | 'unsupported_operation'
  readonly message: string
  /** The parameter that it is about, as a path: `messages.0.content`. */
  readonly param?: string
}

/** The provider takes images only with the request: those at `urls` are to be fetched, and the translation asked for again. */
export interface ImagesNeeded {
  readonly status: 'images-needed'
  /** https URLs, each once. */
  readonly urls: readonly string[]
}

export interface InlineImage {
  /** As `image/png`. */
  readonly mediaType: string
  readonly base64: string
}

/** Reads a provider's answer to a {@link NativeCall}. */
export interface ResponseTranslation {
  /** A translator for one answer of status 2xx, not compressed. @param contentType the answer's, in lower case */
  translator(contentType: string): ResponseTranslator
  /** An error of the provider's, of any status from 400. Undefined: it is in OpenAI's format as it is. */
  error(status: number, body: Buffer, headers: WireHeaders): TranslatedError | undefined
}

/** Says one answer in OpenAI's words, as it passes by. */
export interface ResponseTranslator {
  /** The translated answer's; undefined where it stays the provider's. */
  readonly contentType: string | undefined
  /** The answer cannot be said to its end: an error event has been given in its place or, where it is no stream, nothing will be. */
  readonly failed: boolean
  /**
   * What to say in place of an answer that is no stream, where it was understood and is none: the provider's words. Absent where nothing of
   * it was understood, and until `end`.
   */
  readonly failure?: TranslatedError | undefined
  /** Takes the next bytes; gives those to pass on now. */
  push(chunk: Buffer): Buffer
  /**
   * The answer has come to its end: gives what is still to be passed on. A stream that broke off without saying that it is at
   * its end gets an error event, never a silent end. Undefined where it cannot be told in OpenAI's words, and none of it has
   * been passed on.
   */
  end(): Buffer | undefined
  /**
   * The answer was broken off: gives the error event to end a stream with, if it was not at its end; empty where the answer is no
   * stream.
   */
  breakOff(message: string): Buffer
}

export interface TranslatedError {
  readonly message: string
  /** The provider's own word for it. */
  readonly code: string | null
}

/** The call that lists a provider's models, page after page. */
export interface ModelList {
  readonly path: string
  /** Of the first page. Without the question mark; empty for none. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  /** Reads one page's JSON; undefined where it is no such page. */
  read(page: unknown): ModelPage | undefined
}

export interface ModelPage {
  readonly models: readonly ListedModel[]
  /** The next page's query; absent on the last. */
  readonly nextQuery?: string
}

export interface ListedModel {
  /** The name to call it by. */
  readonly id: string
  /** Unix seconds; absent where the provider does not say. */
  readonly createdAtS?: number
}

/** @param createdAtS Unix seconds; anything else is not known */
export function listedModel(id: string, createdAtS: unknown): ListedModel {
  return typeof createdAtS === 'number' && Number.isSafeInteger(createdAtS) ? { id, createdAtS } : { id }
}
