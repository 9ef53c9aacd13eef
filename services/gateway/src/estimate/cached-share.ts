import type { LearnedModelRecord, TokenUsage } from '@sluice/contracts'

/**
 * The part of a connection's prompts that the provider reads from its cache, by model, learned from reported usage. Prompts count by their
 * length, and the last ten requests have two thirds of the weight.
 *
 * It only affects reservations against limits that the provider enforces itself: if it is wrong, the provider returns a 429.
 */
export class CachedShares {
  readonly #models = new Map<string, CachedSums>()
  /** The model that was last learned about, which is the last of the map. */
  #latest = ''

  /** Returns how many of `inputTokens` are expected to be read from the cache; 0 for an unknown model. */
  expectedOf(model: string, inputTokens: number): number {
    const known = this.#models.get(model)
    return known === undefined
      ? 0
      : Math.min(inputTokens, Math.floor((inputTokens * known.cachedTokens) / known.inputTokens))
  }

  /** Returns the state of a model, to be stored; undefined for an unknown model. */
  stateOf(model: string): CachedSums | undefined {
    const known = this.#models.get(model)
    return known && { ...known }
  }

  /** Restores the stored state of a model, unless something was learned about it already. */
  restore(model: string, { inputTokens, cachedTokens }: CachedSums): void {
    if (this.#models.has(model) || this.#models.size >= MAX_MODELS) return
    this.#models.set(model, { inputTokens, cachedTokens })
    // It is the last of the map now.
    this.#latest = model
  }

  learn(model: string, { inputTokens, cachedInputTokens }: TokenUsage): void {
    if (model === '' || !(inputTokens > 0)) return
    const known = this.#models.get(model) ?? { inputTokens: PRIOR_TOKENS, cachedTokens: 0 }
    known.inputTokens = known.inputTokens * KEPT + inputTokens
    known.cachedTokens = known.cachedTokens * KEPT + Math.min(inputTokens, cachedInputTokens)
    if (model === this.#latest) return
    this.#latest = model
    // Applications can name any number of models: forget the one that was learned about longest ago.
    this.#models.delete(model)
    this.#models.set(model, known)
    if (this.#models.size <= MAX_MODELS) return
    for (const oldest of this.#models.keys()) {
      this.#models.delete(oldest)
      break
    }
  }
}

type CachedSums = NonNullable<LearnedModelRecord['cached']>

/** For each connection. */
export const MAX_MODELS = 64
/** Learning starts as if an uncached prompt of this size had been seen. */
const PRIOR_TOKENS = 256
/** Factor of the sums for each request. */
const KEPT = 0.9
