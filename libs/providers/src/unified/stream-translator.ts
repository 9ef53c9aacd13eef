import type { AnswerTranslator } from '../unified-api.ts'
import type { MessageSplitter } from '../wire/watching-reader.ts'
import { CUT_SHORT, errorEvent } from './event-text.ts'

/** Says the messages of one stream, in order, in OpenAI's words. Never throws, whatever they hold. */
export interface StreamDialect {
  /** The events, as text, that a message comes to; empty for none. */
  translate(message: Buffer): string
  /** The events that end a stream which has come to its end; undefined where the messages did not say that it has. */
  finish(): string | undefined
  /** An error event has been given: nothing follows it. */
  readonly failed: boolean
}

/** Turns a provider's stream into OpenAI's server-sent events, as it passes by. */
export class StreamTranslator implements AnswerTranslator {
  readonly contentType = 'text/event-stream; charset=utf-8'
  readonly #splitter: MessageSplitter
  readonly #dialect: StreamDialect
  #events = ''

  constructor(splitterFor: (visit: (message: Buffer) => void) => MessageSplitter, dialect: StreamDialect) {
    this.#dialect = dialect
    this.#splitter = splitterFor((message) => {
      if (!dialect.failed) this.#events += dialect.translate(message)
    })
  }

  push(chunk: Buffer): Buffer {
    this.#splitter.push(chunk)
    return this.#take()
  }

  end(): Buffer {
    this.#splitter.end()
    if (!this.#dialect.failed) this.#events += this.#dialect.finish() ?? errorEvent(CUT_SHORT)
    return this.#take()
  }

  breakOff(message: string): Buffer {
    // What broke after the answer's end took nothing away from it.
    if (!this.#dialect.failed) this.#events += this.#dialect.finish() ?? errorEvent({ ...CUT_SHORT, message })
    return this.#take()
  }

  #take(): Buffer {
    const events = this.#events
    this.#events = ''
    return events === '' ? EMPTY : Buffer.from(events)
  }
}

const EMPTY = Buffer.alloc(0)
