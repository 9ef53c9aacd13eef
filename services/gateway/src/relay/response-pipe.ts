import type { StreamRedactor } from '@sluice/egress'
import type { ResponseReader, ResponseTranslator, TranslatedError } from '@sluice/providers'

export interface ResponsePipeOptions {
  readonly reader: ResponseReader
  /** At the unified endpoint. */
  readonly translation?: {
    readonly translator: ResponseTranslator
    /** A secret may be in pieces, or written in an unknown way, until the translator puts it together. */
    readonly redactor: StreamRedactor
  }
  /** The answer is a stream of server-sent events. */
  readonly isEventStream: boolean
}

/** What the body of an answer of status 2xx passes through: it is read for its usage, and at the unified endpoint said in OpenAI's words. */
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

  /** The answer's content type where it is no longer the provider's. */
  get contentType(): string | undefined {
    return this.#translator?.contentType
  }

  /** Nothing is passed on before the end, which may yet turn out to be no answer. */
  get isHeldBack(): boolean {
    return this.contentType?.startsWith('application/json') === true
  }

  /** It is held back in vain: it cannot be said in OpenAI's words. */
  get isSpoiled(): boolean {
    return this.isHeldBack && this.#translator?.failed === true
  }

  /** Why the answer is none, where it was held back and says so. */
  get failure(): TranslatedError | undefined {
    return this.#translator?.failure
  }

  /** The status that belongs to an error inside the answer; undefined where there is none so far. */
  get errorStatus(): number | undefined {
    return this.reader.errorStatus ?? (this.#translator?.failed === true ? BAD_GATEWAY : undefined)
  }

  push(chunk: Buffer): Buffer {
    const read = this.reader.push(chunk)
    return this.#translator === undefined || read.length === 0 ? read : this.#safe(this.#translator.push(read))
  }

  /** What is still to be passed on; undefined where the answer cannot be said in OpenAI's words. */
  end(): Buffer | undefined {
    const rest = this.reader.end()
    if (this.#translator === undefined) return rest
    const translated = rest.length === 0 ? rest : this.#translator.push(rest)
    const end = this.#translator.end()
    return end && this.#safeToTheEnd(Buffer.concat([translated, end]))
  }

  /**
   * What a stream ends with that was broken off: an error, or nothing where all had been said before. Undefined where the
   * application can learn of it by its broken connection only.
   */
  breakOff(message: string): Buffer | undefined {
    const words = this.#translator?.breakOff(message)
    return words?.length === 0 && !this.#isStream ? undefined : words && this.#safeToTheEnd(words)
  }

  /** What is passed on are events, of which a translated stream's last one says that it is. */
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
