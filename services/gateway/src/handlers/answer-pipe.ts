import type { AnswerReader, AnswerTranslator } from '@sluice/providers'

/**
 * What the body of an answer of status 2xx passes through: it is read for its usage and, at the unified endpoint, said in OpenAI's
 * words.
 */
export class AnswerPipe {
  readonly reader: AnswerReader
  readonly #translator: AnswerTranslator | undefined

  constructor(reader: AnswerReader, translator: AnswerTranslator | undefined) {
    this.reader = reader
    this.#translator = translator
  }

  /** The answer's content type where it is no longer the provider's. */
  get contentType(): string | undefined {
    return this.#translator?.contentType
  }

  /** Nothing is passed on before the end, which may yet turn out to be no answer. */
  get isHeldBack(): boolean {
    return this.contentType?.startsWith('application/json') === true
  }

  push(chunk: Buffer): Buffer {
    const read = this.reader.push(chunk)
    return this.#translator === undefined || read.length === 0 ? read : this.#translator.push(read)
  }

  /** What is still to be passed on; undefined where the answer cannot be said in OpenAI's words. */
  end(): Buffer | undefined {
    const rest = this.reader.end()
    if (this.#translator === undefined) return rest
    const translated = rest.length === 0 ? rest : this.#translator.push(rest)
    const end = this.#translator.end()
    return end && (translated.length === 0 ? end : Buffer.concat([translated, end]))
  }

  /** What a stream ends with that was broken off; empty where there is no way to say so. */
  breakOff(message: string): Buffer {
    return this.#translator?.breakOff(message) ?? EMPTY
  }
}

const EMPTY = Buffer.alloc(0)
