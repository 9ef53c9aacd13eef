import type { TokenUsage } from '@sluice/contracts'
import type { RequestInspection } from '@sluice/providers'
import { OutputPercentile } from './output-percentile.ts'
import { TokenRatio } from './token-ratio.ts'

/** What the requests of one connection to one model have taught. */
export interface LearnedModel {
  readonly ratio: TokenRatio
  readonly output: OutputPercentile
}

/**
 * What the settled requests of one connection have taught about its models, in memory. Applications name the models, so
 * those that were learned of least recently are forgotten.
 */
export class LearnedModels {
  readonly #models = new Map<string, LearnedModel>()

  /** Undefined where nothing is known. */
  of(model: string): LearnedModel | undefined {
    return this.#models.get(model)
  }

  /**
   * Learns from a request that the provider has told the usage of. Input tokens count with those that were cached, since the
   * prompt was as long, and output tokens with those of reasoning, since a maximum bounds both.
   * @param complete whether the answer came to its end
   */
  learn(request: RequestInspection, usage: TokenUsage, complete: boolean): void {
    if (request.model === '') return
    const learned = this.#touch(request.model)
    // What media cost is only assumed, and what the provider keeps is not in the body: both would distort the ratio.
    if (request.mediaParts === 0 && request.hasStoredPrompt !== true) {
      learned.ratio.learn(request.promptBytes, usage.inputTokens)
    }
    const maximum = request.maxOutputTokens ?? Number.POSITIVE_INFINITY
    if (complete && maximum > 0) {
      const outputTokens = usage.outputTokens / request.outputs
      learned.output.learn(outputTokens, outputTokens >= maximum)
    }
  }

  #touch(model: string): LearnedModel {
    const learned = this.#models.get(model) ?? { ratio: new TokenRatio(), output: new OutputPercentile() }
    this.#models.delete(model)
    this.#models.set(model, learned)
    if (this.#models.size > MAX_MODELS) {
      for (const oldest of this.#models.keys()) {
        this.#models.delete(oldest)
        break
      }
    }
    return learned
  }
}

/** Of one connection; each takes about a KiB. */
export const MAX_MODELS = 64
