import type { ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { parseJson } from '../wire/json.ts'
import { type JsonPath, parseWithSource } from '../wire/json-source.ts'
import type { MessageSplitter } from '../wire/usage-reader.ts'

/** Says the messages of one stream, in order, in OpenAI's words. Never throws, whatever they hold. */
export interface StreamDialect {
  /** The events, as text, that a message comes to; empty for none. @param isError an error by its name, whatever it holds */
  translate(message: Buffer, isError?: boolean): string
  /** The events that end a stream which has come to its end; undefined where the messages did not say that it has. */
  finish(): string | undefined
  /** An error event has been given: nothing follows it. */
  readonly failed: boolean
}

/** Turns a provider's stream into OpenAI's server-sent events, as it passes by. */
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
    return this.#end(CUT_SHORT)
  }

  breakOff(message: string): Buffer {
    // What broke after the answer's end took nothing away from it.
    return this.#end({ ...CUT_SHORT, message })
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

/** An answer that tells why it is none, or has what OpenAI's answers have no place for. */
export interface TranslatedFailure {
  readonly failure: TranslatedError
}

/** Turns an answer that is one JSON document into another, when it is whole. */
export class WholeResponseTranslator implements ResponseTranslator {
  readonly contentType = 'application/json; charset=utf-8'
  readonly #translate: (answer: unknown) => object | TranslatedFailure | undefined
  readonly #opaque: JsonPath | undefined
  #pieces: Buffer[] = []
  #bytes = 0
  failed = false
  failure: TranslatedError | undefined

  /**
   * @param translate gives undefined where the answer has not the shape that it should have; never throws
   * @param opaque where the answer has objects, such as tool calls' arguments, whose text `translate` needs: see `writtenText`
   */
  constructor(translate: (answer: unknown) => object | TranslatedFailure | undefined, opaque?: JsonPath) {
    this.#translate = translate
    this.#opaque = opaque
  }

  push(chunk: Buffer): Buffer {
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES) {
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

/** No translated answer has a member of this name. */
export function isFailure(translated: object): translated is TranslatedFailure {
  return 'failure' in translated
}

/** Answers have at most a few hundred thousand tokens, or images of a few megabytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const EMPTY = Buffer.alloc(0)

/** A server-sent event with `data` as JSON. */
export function jsonEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

/** The last event of a stream that came to its end. */
export const DONE_EVENT = 'data: [DONE]\n\n'

/** An error inside a stream, of which OpenAI's SDKs make an `APIError`. */
export function errorEvent({ message, code }: TranslatedError): string {
  return jsonEvent({ error: { message, type: 'server_error', param: null, code } })
}

/** What to say of a stream that broke off without having said that it is at its end. */
export const CUT_SHORT: TranslatedError = {
  message: 'The provider broke the answer off.',
  code: 'upstream_unreachable',
}

/** What to say of an answer that has an image, a sound and the like. */
export const NO_PLACE: TranslatedError = {
  message: 'The answer has a part, such as an image, that a chat completion has no place for.',
  code: 'unsupported_operation',
}

/** @param provider its name, as people read it */
export function unreadable(provider: string): TranslatedError {
  return { message: `${provider} sent what cannot be read.`, code: 'upstream_unreachable' }
}
