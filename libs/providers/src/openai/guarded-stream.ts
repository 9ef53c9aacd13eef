import { DONE_EVENT, errorEvent } from '../unified/event-text.ts'
import { CUT_SHORT } from '../unified/stream-errors.ts'
import type { ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { EventBlocks } from '../wire/event-blocks.ts'
import { eventMessage, isErrorEvent } from '../wire/event-data.ts'
import { isRecord } from '../wire/is-record.ts'
import { parseJson } from '../wire/parse-json.ts'
import { tokenCount } from '../wire/token-count.ts'
import { errorStatusIn } from './stream-error.ts'

/**
 * Passes a stream of OpenAI's events on as it is, but for its end: one that breaks off ends with an error event. It is at its end where
 * each of its choices has a finish reason, also where the server has no `[DONE]` for it, which is then added.
 */
export class GuardedStream implements ResponseTranslator {
  readonly contentType = undefined
  readonly #blocks = new EventBlocks((block) => this.#pass(block))
  readonly #unfinished = new Set<number>()
  readonly #finished = new Set<number>()
  #passed: Buffer[] = []
  /** The end was said: by its mark, or by an error. */
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
      this.failed = !this.#isWhole
      this.#passed.push(this.#isWhole ? afterPart(DONE_EVENT) : lastEvent(CUT_SHORT))
    }
    return this.#take()
  }

  breakOff(message: string): Buffer {
    if (this.#isAtItsEnd) return EMPTY
    return this.#isWhole ? afterPart(DONE_EVENT) : lastEvent({ ...CUT_SHORT, message })
  }

  get #isWhole(): boolean {
    return this.#finished.size > 0 && this.#unfinished.size === 0
  }

  #pass(block: Buffer): void {
    this.#passed.push(block)
    const data = eventMessage(block)
    if (data === undefined || this.#isAtItsEnd) return
    if (data.equals(DONE)) {
      this.#isAtItsEnd = true
      return
    }
    const event = parseJson(data)
    if (isErrorEvent(block)) this.#isAtItsEnd = true
    if (!isRecord(event)) return
    if (errorStatusIn(event) !== undefined) this.#isAtItsEnd = true
    else if (Array.isArray(event.choices)) this.#noteChoices(event.choices)
  }

  #noteChoices(choices: readonly unknown[]): void {
    for (const choice of choices) {
      if (!isRecord(choice)) continue
      const index = tokenCount(choice.index) ?? 0
      // Some servers have empty text where there is no reason yet.
      if (typeof choice.finish_reason === 'string' && choice.finish_reason !== '') {
        this.#finished.add(index)
        this.#unfinished.delete(index)
      } else if (!this.#finished.has(index)) this.#unfinished.add(index)
    }
  }

  #take(): Buffer {
    const [only] = this.#passed
    const passed = only !== undefined && this.#passed.length === 1 ? only : Buffer.concat(this.#passed)
    this.#passed = []
    return passed
  }
}

function lastEvent(error: TranslatedError): Buffer {
  return afterPart(errorEvent(error))
}

/** After what may be but a part of an event. */
function afterPart(event: string): Buffer {
  return Buffer.from(`\n\n${event}`)
}

const DONE = Buffer.from('[DONE]')
const EMPTY = Buffer.alloc(0)
