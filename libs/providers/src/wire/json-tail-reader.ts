import type { TokenUsage } from '@sluice/contracts'
import type { AnswerReader } from '../provider-adapter.ts'

/**
 * Finds the usage in a JSON answer that is not streamed. All providers have it towards their answers' end, so that only the
 * end is kept and looked at, however long the answer (embeddings run to many megabytes) is.
 */
export class JsonTailReader implements AnswerReader {
  readonly outputTokensSeen = 0
  readonly #findUsage: (tail: Buffer) => TokenUsage | undefined
  #tail: Buffer[] = []
  #tailBytes = 0
  #usage: TokenUsage | undefined

  /** @param findUsage finds it in the last part of a document; never throws */
  constructor(findUsage: (tail: Buffer) => TokenUsage | undefined) {
    this.#findUsage = findUsage
  }

  get usage(): TokenUsage | undefined {
    return this.#usage
  }

  push(chunk: Buffer): Buffer {
    this.#tail.push(chunk)
    this.#tailBytes += chunk.length
    for (let first = this.#tail[0]; first !== undefined; first = this.#tail[0]) {
      if (this.#tailBytes - first.length < TAIL_BYTES) break
      this.#tailBytes -= first.length
      this.#tail.shift()
    }
    return chunk
  }

  end(): Buffer {
    const [only] = this.#tail
    const tail = only !== undefined && this.#tail.length === 1 ? only : Buffer.concat(this.#tail)
    this.#usage = this.#findUsage(tail)
    this.#tail = []
    return EMPTY
  }
}

/** What is kept at least; some answers repeat their tools and metadata after their output. */
const TAIL_BYTES = 256 * 1024
const EMPTY = Buffer.alloc(0)
