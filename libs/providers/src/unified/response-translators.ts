import type {
  RequestedResponse,
  ResponseTranslation,
  ResponseTranslator,
  TranslatedError,
  UnifiedOperation,
} from '../unified-api.ts'
import { parseJson } from '../wire/json.ts'
import { type JsonPath, parseWithSource } from '../wire/json-source.ts'
import type { MessageSplitter } from '../wire/usage-reader.ts'

/** The translators of a provider's chat responses, and of its errors. */
interface ChatResponses {
  whole(requested: RequestedResponse): ResponseTranslator
  streamed(requested: RequestedResponse): ResponseTranslator
  readonly error: ResponseTranslation['error']
}

/** Returns the translation of a response in the form that the application requested: whole or streamed. */
export function chatResponse({ whole, streamed, error }: ChatResponses): UnifiedOperation['response'] {
  return (requested) => ({
    translator: () => (requested.streamed ? streamed(requested) : whole(requested)),
    error,
  })
}

/** Translates the messages of one stream, in order, to OpenAI's events. Never throws, whatever they contain. */
export interface StreamDialect {
  /** Returns a message's events as text; empty for none. @param isError the event's name says that it is an error */
  translate(message: Buffer, isError?: boolean): string
  /** Returns the events that end a complete stream; undefined where the provider's last message is missing. */
  finish(): string | undefined
  /** An error event was returned: nothing may follow it. */
  readonly failed: boolean
}

/** Translates a provider's stream to OpenAI's server-sent events, message by message. */
export class StreamTranslator implements ResponseTranslator {
  readonly contentType = 'text/event-stream; charset=utf-8'
  readonly #splitter: MessageSplitter
  readonly #dialect: StreamDialect
  #events = ''
  #isCutShort = false

  constructor(
    splitterFor: (visit: (message: Buffer, isError?: boolean) => void) => MessageSplitter,
    dialect: StreamDialect,
  ) {
    this.#dialect = dialect
    this.#splitter = splitterFor((message, isError) => {
      if (!dialect.failed) this.#events += dialect.translate(message, isError)
    })
  }

  get failed(): boolean {
    return this.#isCutShort || this.#dialect.failed
  }

  push(chunk: Buffer): Buffer {
    this.#splitter.push(chunk)
    return this.#take()
  }

  end(): Buffer {
    this.#splitter.end()
    return this.#end(STREAM_CUT_SHORT)
  }

  breakOff(message: string): Buffer {
    // Aborted after its last message, the response is complete all the same.
    return this.#end({ ...STREAM_CUT_SHORT, message })
  }

  #end(ifCutShort: TranslatedError): Buffer {
    const last = this.failed ? '' : this.#dialect.finish()
    this.#isCutShort = last === undefined
    this.#events += last ?? errorEvent(ifCutShort)
    return this.#take()
  }

  #take(): Buffer {
    const events = this.#events
    this.#events = ''
    return events === '' ? EMPTY : Buffer.from(events)
  }
}

/** A response that is an error, or contains what OpenAI's format cannot express. */
export interface TranslatedFailure {
  readonly failure: TranslatedError
}

/** Translates a response that is one JSON document, once all of it has arrived. */
export class WholeResponseTranslator implements ResponseTranslator {
  readonly contentType = 'application/json; charset=utf-8'
  readonly #translate: (response: unknown) => object | TranslatedFailure | undefined
  readonly #opaque: JsonPath | undefined
  #pieces: Buffer[] = []
  #bytes = 0
  failed = false
  failure: TranslatedError | undefined

  /**
   * @param translate returns undefined where the response has an unexpected shape; never throws
   * @param opaque path of objects whose source text `translate` needs, such as tool calls' arguments: see `writtenText`
   */
  constructor(translate: (response: unknown) => object | TranslatedFailure | undefined, opaque?: JsonPath) {
    this.#translate = translate
    this.#opaque = opaque
  }

  push(chunk: Buffer): Buffer {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_RESPONSE_BYTES) {
      this.failed = true
      this.#pieces = []
    } else {
      this.#pieces.push(chunk)
    }
    return EMPTY
  }

  end(): Buffer | undefined {
    if (this.failed) return undefined
    const json = Buffer.concat(this.#pieces)
    const translated = this.#translate(
      this.#opaque === undefined ? parseJson(json) : parseWithSource(json, this.#opaque),
    )
    if (translated === undefined) return undefined
    if (isFailure(translated)) {
      this.failed = true
      this.failure = translated.failure
      return undefined
    }
    return Buffer.from(JSON.stringify(translated))
  }

  breakOff(): Buffer {
    return EMPTY
  }
}

/** No translated response has a member of this name. */
export function isFailure(translated: object): translated is TranslatedFailure {
  return 'failure' in translated
}

/** Responses have at most a few hundred thousand tokens, or images of a few megabytes. */
const MAX_RESPONSE_BYTES = 64 * 1024 * 1024
const EMPTY = Buffer.alloc(0)

/** Returns a server-sent event with `data` as JSON. */
export function jsonEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** The last event of a complete stream. */
export const DONE_EVENT = 'data: [DONE]\n\n'

/** Returns an error event: OpenAI's SDKs raise it as an `APIError`. */
export function errorEvent({ message, code }: TranslatedError): string {
  return jsonEvent({ error: { message, type: 'server_error', param: null, code } })
}

/** The error for a stream that ended without its last event. */
export const STREAM_CUT_SHORT: TranslatedError = {
  message: 'The provider ended the response early.',
  code: 'upstream_unreachable',
}

/** The error for a response that contains an image, audio or the like. */
export const UNSUPPORTED_CONTENT: TranslatedError = {
  message: 'The response has content, such as an image, that a chat completion cannot contain.',
  code: 'unsupported_operation',
}

/** Returns the error for a tool call that the application could not answer. @param provider its display name */
export function incompleteCall(provider: string): TranslatedError {
  return { message: `${provider} returned a tool call without id or name.`, code: null }
}

/** Returns the error for a response that cannot be parsed. @param provider its display name */
export function unreadable(provider: string): TranslatedError {
  return { message: `${provider} sent a response that cannot be read.`, code: 'upstream_unreachable' }
}
