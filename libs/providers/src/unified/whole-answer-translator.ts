import type { AnswerTranslator } from '../unified-api.ts'
import { parseJson } from '../wire/parse-json.ts'

/** Turns an answer that is one JSON document into another, when it is whole. */
export class WholeAnswerTranslator implements AnswerTranslator {
  readonly contentType = 'application/json; charset=utf-8'
  readonly #translate: (answer: unknown) => object | undefined
  #pieces: Buffer[] = []
  #bytes = 0
  failed = false

  /** @param translate gives undefined where the answer has not the shape that it should have; never throws */
  constructor(translate: (answer: unknown) => object | undefined) {
    this.#translate = translate
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
    const translated = this.#translate(parseJson(Buffer.concat(this.#pieces)))
    return translated === undefined ? undefined : Buffer.from(JSON.stringify(translated))
  }

  breakOff(): Buffer {
    return EMPTY
  }
}

/** Answers have at most a few hundred thousand tokens, or images of a few megabytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const EMPTY = Buffer.alloc(0)
