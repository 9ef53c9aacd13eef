import type { ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { type JsonPath, parseWithSource } from '../wire/json-source.ts'
import { parseJson } from '../wire/parse-json.ts'

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
