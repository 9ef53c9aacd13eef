import { firstByte, formOf, type ReaderForms } from './first-bytes-reader.ts'
import type { MessageSplitter } from './watching-reader.ts'

/** Cuts a stream into its messages as its first bytes show that it is made of them. */
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
