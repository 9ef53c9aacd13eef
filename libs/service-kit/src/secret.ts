import { inspect } from 'node:util'

/** Holds a decrypted value so that it is shown nowhere by accident: every way of printing it gives `[redacted]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself: only for where the upstream request is signed, or the value is encrypted. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}

const REDACTED = '[redacted]'
