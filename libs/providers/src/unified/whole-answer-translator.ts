import type { AnswerTranslator } from '../unified-api.ts'
import { type JsonPath, parseWithSource } from '../wire/json-source.ts'
import { parseJson } from '../wire/parse-json.ts'

/** Turns an answer that is one JSON document into another, when it is whole. */
export class WholeAnswerTranslator implements AnswerTranslator {
  readonly contentType = 'application/json; charset=utf-8'
  readonly #translate: (answer: unknown) => object | undefined
  readonly #opaque: JsonPath | undefined
  #pieces: Buffer[] = []
  #bytes = 0
  failed = false

  /**
   * @param translate gives undefined where the answer has not the shape that it should have; never throws
   * @param opaque where the answer has objects, such as tool calls' arguments, whose text `translate` needs: see `writtenText`
   */
  constructor(translate: (answer: unknown) => object | undefined, opaque?: JsonPath) {
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
    return translated === undefined ? undefined : Buffer.from(JSON.stringify(translated))
  }

  breakOff(): Buffer {
    return EMPTY
  }
}

/** Answers have at most a few hundred thousand tokens, or images of a few megabytes. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const EMPTY = Buffer.alloc(0)
