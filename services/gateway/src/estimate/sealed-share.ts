/**
 * Which part of sealed reasoning a provider counts as input, learned from requests that bring some: none with most providers, all of it
 * with some, in tokens for each {@link UNIT_BYTES}. Kept as two sums that fade with each request, as those of a ratio do.
 */
export class SealedShare {
  #units = PRIOR_UNITS
  #tokens = 0

  /** Goes on from what {@link state} returned. */
  static from({ units, tokens }: SealedShareState): SealedShare {
    const share = new SealedShare()
    share.#units = units
    share.#tokens = tokens
    return share
  }

  get state(): SealedShareState {
    return { units: this.#units, tokens: this.#tokens }
  }

  /** Returns what is expected to be counted; not whole, from none to {@link mostTokensOf}. */
  tokensOf(sealedBytes: number): number {
    return mostTokensOf(sealedBytes) * Math.min(1, Math.max(0, this.#tokens / this.#units))
  }

  /** @param tokens what was left for it once the rest of the prompt was accounted for: below zero where that was expected to be more */
  learn(sealedBytes: number, tokens: number): void {
    const most = mostTokensOf(sealedBytes)
    if (!(most > 0)) return
    const units = Math.min(most, MAX_UNITS_LEARNED)
    this.#units = this.#units * KEPT + units
    // What is below zero by chance weighs up what is above it by chance.
    this.#tokens = this.#tokens * KEPT + units * Math.min(1, Math.max(-1, tokens / most))
  }
}

export interface SealedShareState {
  readonly units: number
  readonly tokens: number
}

/** Returns what sealed reasoning costs where all of it counts. */
export function mostTokensOf(sealedBytes: number): number {
  return sealedBytes / UNIT_BYTES
}

/** Bytes of base64 for each token of the reasoning in it, as Gemini 3 counts its own. */
const UNIT_BYTES = 4
const PRIOR_UNITS = 64
const KEPT = 0.9
const MAX_UNITS_LEARNED = 65_536
