import { errorEvent } from '../unified/event-text.ts'
import { CUT_SHORT } from '../unified/stream-errors.ts'
import type { AnswerTranslator, TranslatedError } from '../unified-api.ts'
import { EventBlocks } from '../wire/event-blocks.ts'
import { eventData } from '../wire/event-data.ts'

/** Passes a stream of OpenAI's events on as it is, but for its end: one that breaks off ends with an error event. */
export class GuardedStream implements AnswerTranslator {
  readonly contentType = undefined
  readonly #blocks = new EventBlocks((block) => this.#pass(block))
  #passed: Buffer[] = []
  #isAtItsEnd = false
  failed = false

  /** Whole events only, but for such as are too long to be held. */
  push(chunk: Buffer): Buffer {
    this.#blocks.push(chunk)
    return this.#take()
  }

  end(): Buffer {
    this.#blocks.end()
    if (!this.#isAtItsEnd) {
      this.failed = true
      this.#passed.push(lastEvent(CUT_SHORT))
    }
    return this.#take()
  }

  breakOff(message: string): Buffer {
    return this.#isAtItsEnd ? EMPTY : lastEvent({ ...CUT_SHORT, message })
  }

  #pass(block: Buffer): void {
    this.#passed.push(block)
    const span = eventData(block)
    if (span === undefined) return
    const data = block.subarray(span.start, span.end)
    if (data.equals(DONE) || ERROR_KEYS.some((key) => data.includes(key))) this.#isAtItsEnd = true
  }

  #take(): Buffer {
    const [only] = this.#passed
    const passed = only !== undefined && this.#passed.length === 1 ? only : Buffer.concat(this.#passed)
    this.#passed = []
    return passed
  }
}

/** After what may be but a part of an event. */
function lastEvent(error: TranslatedError): Buffer {
  return Buffer.from(`\n\n${errorEvent(error)}`)
}

const DONE = Buffer.from('[DONE]')
/** Quotes inside text are escaped: this is a key, and has an error. */
const ERROR_KEYS = [Buffer.from('"error":{'), Buffer.from('"error": {')]
const EMPTY = Buffer.alloc(0)
