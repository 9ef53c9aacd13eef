/**
 * The part of sealed (encrypted) reasoning that a provider counts as input, learned from requests that contain some: most providers count
 * none, some count all of it, in tokens per {@link UNIT_BYTES}. Kept as two sums that decay with each request, like those of a ratio.
 */
export class SealedShare {
  #units = PRIOR_UNITS
  #tokens = 0

  /** Restores a {@link state}. */
  static from({ units, tokens }: SealedShareState): SealedShare {
    const share = new SealedShare()
    share.#units = units
    share.#tokens = tokens
    return share
  }

  get state(): SealedShareState {
    return { units: this.#units, tokens: this.#tokens }
  }

  /** Returns the expected tokens, from 0 to {@link mostTokensOf}; not a whole number. */
  tokensOf(sealedBytes: number): number {
    return mostTokensOf(sealedBytes) * Math.min(1, Math.max(0, this.#tokens / this.#units))
  }

  /** @param tokens the input tokens that the rest of the prompt does not explain; negative if more was expected of the rest */
  learn(sealedBytes: number, tokens: number): void {
    const most = mostTokensOf(sealedBytes)
    if (!(most > 0)) return
    const units = Math.min(most, MAX_UNITS_LEARNED)
    this.#units = this.#units * KEPT + units
    // Negative values stay, so that they cancel positive ones of the same noise.
    this.#tokens = this.#tokens * KEPT + units * Math.min(1, Math.max(-1, tokens / most))
  }
}

export interface SealedShareState {
  readonly units: number
  readonly tokens: number
}

/** Returns the tokens of sealed reasoning if all of it counts. */
export function mostTokensOf(sealedBytes: number): number {
  return sealedBytes / UNIT_BYTES
}

/** Bytes of base64 per token of reasoning, as Gemini 3 counts its own. */
const UNIT_BYTES = 4
const PRIOR_UNITS = 64
const KEPT = 0.9
const MAX_UNITS_LEARNED = 65_536
