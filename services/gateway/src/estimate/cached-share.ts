import type { LearnedModelRecord, TokenUsage } from '@sluice/contracts'

/**
 * Which part of a connection's prompts the provider reads from its cache, by model, learned from reported usage. Large prompts, which are
 * most of what a limit holds, count for most, and the last ten requests are two thirds of what is known.
 *
 * It only bounds what is held against limits that the provider keeps itself: where it was wrong, the provider's own 429 sets it right.
 */
export class CachedShares {
  readonly #models = new Map<string, CachedSums>()
  /** Learned of last, and so at the end of the map. */
  #latest = ''

  /** Returns how many of `inputTokens` are expected to be read from the cache; 0 for a model of which nothing is known. */
  expectedOf(model: string, inputTokens: number): number {
    const known = this.#models.get(model)
    return known === undefined
      ? 0
      : Math.min(inputTokens, Math.floor((inputTokens * known.cachedTokens) / known.inputTokens))
  }

  /** Returns what is known of a model, to be stored; undefined where nothing is. */
  stateOf(model: string): CachedSums | undefined {
    const known = this.#models.get(model)
    return known && { ...known }
  }

  /** Takes over what was learned before of a model of which nothing has been learned yet. */
  restore(model: string, { inputTokens, cachedTokens }: CachedSums): void {
    if (this.#models.has(model) || this.#models.size >= MAX_MODELS) return
    this.#models.set(model, { inputTokens, cachedTokens })
    // It stands at the end now.
    this.#latest = model
  }

  learn(model: string, { inputTokens, cachedInputTokens }: TokenUsage): void {
    if (model === '' || !(inputTokens > 0)) return
    const known = this.#models.get(model) ?? { inputTokens: PRIOR_TOKENS, cachedTokens: 0 }
    known.inputTokens = known.inputTokens * KEPT + inputTokens
    known.cachedTokens = known.cachedTokens * KEPT + Math.min(inputTokens, cachedInputTokens)
    if (model === this.#latest) return
    this.#latest = model
    // Applications name the models: the one that was learned of longest ago goes.
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

/** Of one connection. */
export const MAX_MODELS = 64
/** As if a prompt of this size had been seen that was not cached. */
const PRIOR_TOKENS = 256
/** Of the sums, with each request. */
const KEPT = 0.9
