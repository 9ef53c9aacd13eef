import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { type MessageSplitter, NO_USAGE_READER } from './usage-reader.ts'

/** Creates the reader for each form of a response body. */
export interface ReaderForms {
  /** Server-sent events. */
  readonly events?: () => ResponseReader
  /** One JSON document, or several. */
  readonly json?: () => ResponseReader
  /** Messages of an AWS event stream. */
  readonly frames?: () => ResponseReader
}

/**
 * Chooses a response body's reader by its first bytes, because servers send streams as `text/plain`, as JSON or without
 * a content type. Leading white space (some servers keep connections alive with it) and a byte order mark are passed on
 * at once.
 */
export class FirstBytesReader implements ResponseReader {
  readonly reportsUsage: boolean
  readonly #forms: ReaderForms
  #reader: ResponseReader | undefined

  /** @param reportsUsage whether responses to the operation always report usage: one without it was not understood */
  constructor(forms: ReaderForms, reportsUsage: boolean) {
    this.#forms = forms
    this.reportsUsage = reportsUsage
  }

  get usage(): TokenUsage | undefined {
    return this.#reader?.usage
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#reader?.partialUsage
  }

  get providerAddedInput(): boolean {
    return this.#reader?.providerAddedInput ?? false
  }

  get outputTokensSeen(): number {
    return this.#reader?.outputTokensSeen ?? 0
  }

  get errorStatus(): number | undefined {
    return this.#reader?.errorStatus
  }

  push(chunk: Buffer): Buffer {
    if (this.#reader !== undefined) return this.#reader.push(chunk)
    const start = firstByte(chunk)
    if (start === chunk.length) return chunk
    const form = formOf(chunk[start])
    this.#reader = (form === 'other' ? undefined : this.#forms[form]?.()) ?? NO_USAGE_READER
    const passed = this.#reader.push(start === 0 ? chunk : chunk.subarray(start))
    return start === 0 ? passed : Buffer.concat([chunk.subarray(0, start), passed])
  }

  end(): Buffer {
    return this.#reader?.end() ?? EMPTY
  }
}

/** Returns a body's form by its first significant byte. */
export function formOf(byte: number | undefined): keyof ReaderForms | 'other' {
  if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return 'json'
  if (byte !== undefined && EVENT_FIELDS.has(byte)) return 'events'
  // A frame begins with its length in four bytes; the first is 0 for all frames below 16 MiB.
  return byte === 0 ? 'frames' : 'other'
}

/** Returns the position of the first byte that is neither white space nor part of a byte order mark. */
export function firstByte(chunk: Buffer): number {
  let at = 0
  while (SKIPPED.has(chunk[at] ?? -1)) at++
  return at
}

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b
/** First letters of `data`, `event`, `id`, `retry` and comments: no JSON document begins with them. */
const EVENT_FIELDS: ReadonlySet<number> = new Set(Buffer.from('deir:'))
/** Tab, line feed, carriage return, space, and the three bytes of a byte order mark. */
const SKIPPED: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf])
const EMPTY = Buffer.alloc(0)

/** Chooses a stream's splitter by its first bytes. */
export class FirstBytesSplitter implements MessageSplitter {
  readonly #splitterFor: (form: keyof ReaderForms | 'other') => MessageSplitter
  #splitter: MessageSplitter | undefined

  constructor(splitterFor: (form: keyof ReaderForms | 'other') => MessageSplitter) {
    this.#splitterFor = splitterFor
  }

  push(chunk: Buffer): void {
    if (this.#splitter !== undefined) {
      this.#splitter.push(chunk)
      return
    }
    const start = firstByte(chunk)
    if (start === chunk.length) return
    this.#splitter = this.#splitterFor(formOf(chunk[start]))
    this.#splitter.push(chunk.subarray(start))
  }

  end(): void {
    this.#splitter?.end()
  }
}
