import type { Place } from '../../unified/place.ts'
import type { PlacedReasoning } from './reasoning-content.ts'

/** Puts one block of reasoning together from its pieces. */
export class ReasoningPieces {
  readonly #at: Place
  #text = ''
  #signature = ''
  readonly #redacted: Buffer[] = []

  constructor(at: Place) {
    this.#at = at
  }

  /** @param delta a `reasoningContent`; gives the text that it brings */
  add({ text, signature, redactedContent }: Readonly<Record<string, unknown>>): string {
    if (typeof signature === 'string') this.#signature += signature
    if (typeof redactedContent === 'string') this.#redacted.push(Buffer.from(redactedContent, 'base64'))
    if (typeof text !== 'string') return ''
    this.#text += text
    return text
  }

  /** What of it is to be sent back. */
  placed(): PlacedReasoning[] {
    const at = this.#at
    if (this.#redacted.length > 0) return [{ redactedContent: Buffer.concat(this.#redacted).toString('base64'), at }]
    return this.#signature === '' ? [] : [{ text: this.#text, signature: this.#signature, at }]
  }
}
