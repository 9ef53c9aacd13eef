import type { ResponseTranslator, TranslatedError } from '../unified-api.ts'
import type { MessageSplitter } from '../wire/watching-reader.ts'
import { errorEvent } from './event-text.ts'
import { CUT_SHORT } from './stream-errors.ts'

/** Says the messages of one stream, in order, in OpenAI's words. Never throws, whatever they hold. */
export interface StreamDialect {
  /** The events, as text, that a message comes to; empty for none. @param isError an error by its name, whatever it holds */
  translate(message: Buffer, isError?: boolean): string
  /** The events that end a stream which has come to its end; undefined where the messages did not say that it has. */
  finish(): string | undefined
  /** An error event has been given: nothing follows it. */
  readonly failed: boolean
}

/** Turns a provider's stream into OpenAI's server-sent events, as it passes by. */
export class StreamTranslator implements ResponseTranslator {
  readonly contentType = 'text/event-stream; charset=utf-8'
  readonly #splitter: MessageSplitter
  readonly #dialect: StreamDialect
  #events = ''
  #isCutShort = false

  constructor(
    splitterFor: (visit: (message: Buffer, isError?: boolean) => void) => MessageSplitter,
    dialect: StreamDialect,
  ) {
    this.#dialect = dialect
    this.#splitter = splitterFor((message, isError) => {
      if (!dialect.failed) this.#events += dialect.translate(message, isError)
    })
  }

  get failed(): boolean {
    return this.#isCutShort || this.#dialect.failed
  }

  push(chunk: Buffer): Buffer {
    this.#splitter.push(chunk)
    return this.#take()
  }

  end(): Buffer {
    this.#splitter.end()
    return this.#end(CUT_SHORT)
  }

  breakOff(message: string): Buffer {
    // What broke after the answer's end took nothing away from it.
    return this.#end({ ...CUT_SHORT, message })
  }

  #end(ifCutShort: TranslatedError): Buffer {
    const last = this.failed ? '' : this.#dialect.finish()
    this.#isCutShort = last === undefined
    this.#events += last ?? errorEvent(ifCutShort)
    return this.#take()
  }

  #take(): Buffer {
    const events = this.#events
    this.#events = ''
    return events === '' ? EMPTY : Buffer.from(events)
  }
}

const EMPTY = Buffer.alloc(0)
