import { inspect } from 'node:util'

/** Holds a decrypted value so that it is not printed by accident: every way of printing it results in `[redacted]`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** Returns the value. Call it only to sign the upstream request, or to encrypt the value. */
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
