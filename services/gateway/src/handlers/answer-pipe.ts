import type { AnswerReader, AnswerTranslator } from '@sluice/providers'
import { redactSecrets } from '../domain/redact-secrets.ts'
import { WholeEvents } from '../domain/whole-events.ts'

export interface AnswerPipeOptions {
  readonly reader: AnswerReader
  readonly translator: AnswerTranslator | undefined
  /** The answer is a stream of server-sent events. */
  readonly isEventStream: boolean
  /** What is cut out of an error in the answer. */
  readonly secrets: () => readonly string[]
}

/**
 * What the body of an answer of status 2xx passes through: it is read for its usage, a credential that an error in it repeats is cut
 * out, and at the unified endpoint it is said in OpenAI's words. Events are passed on whole, so that it is known of each byte whether
 * it belongs to an error.
 */
export class AnswerPipe {
  readonly reader: AnswerReader
  readonly #translator: AnswerTranslator | undefined
  readonly #events: WholeEvents | undefined
  readonly #secrets: AnswerPipeOptions['secrets']

  constructor({ reader, translator, isEventStream, secrets }: AnswerPipeOptions) {
    this.reader = reader
    this.#translator = translator
    this.#events = isEventStream ? new WholeEvents() : undefined
    this.#secrets = secrets
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

  /** The status that belongs to an error inside the answer; undefined where there is none so far. */
  get errorStatus(): number | undefined {
    return this.reader.errorStatus ?? (this.#translator?.failed === true ? BAD_GATEWAY : undefined)
  }

  push(chunk: Buffer): Buffer {
    const piece = this.reader.push(chunk)
    const read = this.#safe(this.#events === undefined ? piece : this.#events.push(piece))
    return this.#translator === undefined || read.length === 0 ? read : this.#translator.push(read)
  }

  /** What is still to be passed on; undefined where the answer cannot be said in OpenAI's words. */
  end(): Buffer | undefined {
    const last = this.reader.end()
    const rest = this.#safe(
      this.#events === undefined ? last : Buffer.concat([this.#events.push(last), this.#events.end()]),
    )
    if (this.#translator === undefined) return rest
    const translated = rest.length === 0 ? rest : this.#translator.push(rest)
    const end = this.#translator.end()
    return end && (translated.length === 0 ? end : Buffer.concat([translated, end]))
  }

  /**
   * What a stream ends with that was broken off: an error, or nothing where all had been said before. Undefined where the
   * application can learn of it by its broken connection only.
   */
  breakOff(message: string): Buffer | undefined {
    const words = this.#translator?.breakOff(message)
    return words?.length === 0 && !this.#isStream ? undefined : words
  }

  /** What is passed on are events, of which a translated stream's last one says that it is. */
  get #isStream(): boolean {
    return this.contentType?.startsWith('text/event-stream') ?? this.#events !== undefined
  }

  #safe(bytes: Buffer): Buffer {
    return this.reader.errorStatus === undefined ? bytes : redactSecrets(bytes, this.#secrets())
  }
}

const BAD_GATEWAY = 502
