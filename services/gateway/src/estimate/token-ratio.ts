/**
 * How many bytes of a prompt make a token, learned from requests whose usage is known. Kept as two sums that fade with each
 * request, so that large prompts, which are most of what a window holds, count for most.
 *
 * It leans to the safe side, which is more tokens: it follows prompts that cost more than thought faster than such that cost
 * less, and takes what goes beyond the size of the prompts that it knows at the ratio that it started with at most.
 */
export class TokenRatio {
  readonly #start: number
  #bytes = PRIOR_BYTES
  #tokens: number

  /** @param startBytesPerToken what holds before anything is learned; {@link MIN_BYTES_PER_TOKEN} to {@link MAX_BYTES_PER_TOKEN} */
  constructor(startBytesPerToken: number = START_BYTES_PER_TOKEN) {
    this.#start = startBytesPerToken
    this.#tokens = PRIOR_BYTES / startBytesPerToken
  }

  /** Goes on from what {@link state} returned, as far as it can be: anything else is as if nothing had been learned. */
  static from({ start, bytes, tokens }: TokenRatioState): TokenRatio {
    const ratio = new TokenRatio(start)
    const bytesPerToken = bytes / tokens
    if (bytesPerToken >= MIN_BYTES_PER_TOKEN && bytesPerToken <= MAX_BYTES_PER_TOKEN) {
      ratio.#bytes = bytes
      ratio.#tokens = tokens
    }
    return ratio
  }

  get state(): TokenRatioState {
    return { start: this.#start, bytes: this.#bytes, tokens: this.#tokens }
  }

  /** From {@link MIN_BYTES_PER_TOKEN} to {@link MAX_BYTES_PER_TOKEN}. */
  get bytesPerToken(): number {
    return this.#bytes / this.#tokens
  }

  /** A whole number, at least that of the bytes at the highest ratio. */
  tokensOf(promptBytes: number): number {
    const ratio = this.bytesPerToken
    const known = Math.min(promptBytes, this.#bytes)
    return Math.ceil(known / ratio + (promptBytes - known) / Math.min(ratio, this.#start))
  }

  /** What tells nothing, as counts that are not above zero do, is passed over. */
  learn(promptBytes: number, inputTokens: number): void {
    if (!(promptBytes > 0 && inputTokens > 0)) return
    const ratio = this.bytesPerToken
    const lowest = Math.max(MIN_BYTES_PER_TOKEN, ratio / MAX_FALL)
    const highest = Math.min(MAX_BYTES_PER_TOKEN, ratio * MAX_RISE)
    const seen = Math.min(highest, Math.max(lowest, promptBytes / inputTokens))
    const bytes = Math.min(promptBytes, MAX_BYTES_LEARNED)
    this.#bytes = this.#bytes * KEPT + bytes
    this.#tokens = this.#tokens * KEPT + bytes / seen
  }
}

/** What a ratio is made of, to go on with it in another process. */
export interface TokenRatioState {
  readonly start: number
  readonly bytes: number
  readonly tokens: number
}

/** What English prose has in the tokenizers of all providers, about. */
export const START_BYTES_PER_TOKEN = 4
/** Random base64 has 1.5; bodies of JSON escapes, or of hardly more than their frame, have 8 and more. */
export const MIN_BYTES_PER_TOKEN = 1
export const MAX_BYTES_PER_TOKEN = 12

/** As if a prompt of this size had been seen before: the first real one outweighs it. */
const PRIOR_BYTES = 256
/** Of the sums, with each request: the last ten requests are two thirds of what is known. */
const KEPT = 0.9
/** One prompt of a very different kind does not stand for all. */
const MAX_BYTES_LEARNED = 262_144
/** How far from the ratio so far one request can be taken to be: an outlier moves the ratio by some percent. */
const MAX_FALL = 3
const MAX_RISE = 1.5
