import type { SecretRedactor, StreamRedactor } from '@sluice/egress'
import type { ResponseReader, ResponseTranslator, TranslatedError } from '@sluice/providers'
import type { PermittedCall } from './call.ts'
import { contentTypeOf, type ResponseHead } from './response-writer.ts'

export interface ResponsePipeOptions {
  readonly reader: ResponseReader
  /** At the unified endpoint. */
  readonly translation?: {
    readonly translator: ResponseTranslator
    /** Redacts what is translated: before, a secret may be in pieces, or written in an unknown way. */
    readonly redactor: StreamRedactor
  }
  /** The response is a stream of server-sent events. */
  readonly isEventStream: boolean
}

/** The body of a response of 2xx passes through it: it reads the usage, and translates unified calls into OpenAI's format. */
export class ResponsePipe {
  readonly reader: ResponseReader
  readonly #translator: ResponseTranslator | undefined
  readonly #redactor: StreamRedactor | undefined
  readonly #isEventStream: boolean

  constructor({ reader, translation, isEventStream }: ResponsePipeOptions) {
    this.reader = reader
    this.#translator = translation?.translator
    this.#redactor = translation?.redactor
    this.#isEventStream = isEventStream
  }

  /** The response's content type if it is no longer the provider's. */
  get contentType(): string | undefined {
    return this.#translator?.contentType
  }

  /** Nothing is passed on before the end: until then the body may turn out to be an error. */
  get isHeldBack(): boolean {
    return this.contentType?.startsWith('application/json') === true
  }

  /** It is held back, and cannot be translated into OpenAI's format. */
  get isSpoiled(): boolean {
    return this.isHeldBack && this.#translator?.failed === true
  }

  /** The error that a held body turned out to be. */
  get failure(): TranslatedError | undefined {
    return this.#translator?.failure
  }

  /** The status that belongs to an error inside the body; undefined if there is none so far. */
  get errorStatus(): number | undefined {
    return this.reader.errorStatus ?? (this.#translator?.failed === true ? BAD_GATEWAY : undefined)
  }

  push(chunk: Buffer): Buffer {
    const read = this.reader.push(chunk)
    return this.#translator === undefined || read.length === 0 ? read : this.#safe(this.#translator.push(read))
  }

  /** Returns what is still to be passed on; undefined if the body cannot be translated into OpenAI's format. */
  end(): Buffer | undefined {
    const rest = this.reader.end()
    if (this.#translator === undefined) return rest
    const translated = rest.length === 0 ? rest : this.#translator.push(rest)
    const end = this.#translator.end()
    return end && this.#safeToTheEnd(Buffer.concat([translated, end]))
  }

  /**
   * Returns the end of a body that is broken off: an error, or nothing if the body was complete. Undefined if only a broken connection
   * can show it to the application.
   */
  breakOff(message: string): Buffer | undefined {
    const words = this.#translator?.breakOff(message)
    return words?.length === 0 && !this.#isStream ? undefined : words && this.#safeToTheEnd(words)
  }

  /** The application gets a stream of events. */
  get #isStream(): boolean {
    return this.contentType?.startsWith('text/event-stream') ?? this.#isEventStream
  }

  #safe(bytes: Buffer): Buffer {
    return this.#redactor === undefined ? bytes : this.#redactor.push(bytes)
  }

  #safeToTheEnd(bytes: Buffer): Buffer {
    return this.#redactor === undefined ? bytes : Buffer.concat([this.#redactor.push(bytes), this.#redactor.end()])
  }
}

const BAD_GATEWAY = 502

/** Returns what the body of a response passes through; undefined for one that can only be passed on as it is. */
export function responsePipe(
  { connection, operation, inspection, translation }: PermittedCall,
  head: ResponseHead,
  redaction: SecretRedactor,
): ResponsePipe | undefined {
  if (head.status >= 300) return undefined
  const type = contentTypeOf(head)
  return new ResponsePipe({
    reader: connection.adapter.responseReader(operation, inspection, head.headers),
    // A stream need not say that it is one.
    isEventStream: inspection.streamed || type.startsWith('text/event-stream'),
    ...(translation && {
      translation: { translator: translation.translator(type), redactor: redaction.stream() },
    }),
  })
}
