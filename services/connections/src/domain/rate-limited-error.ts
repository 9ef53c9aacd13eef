import { SluiceError } from '@sluice/contracts'

/** Too many failed attempts; another one may be made in `retryAfterMs` milliseconds. */
export class RateLimitedError extends SluiceError {
  override readonly name = 'RateLimitedError'
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1_000)
    super('rate_limited', `There were too many failed attempts from your address. Try again in ${seconds} s.`)
    this.retryAfterMs = retryAfterMs
  }
}
