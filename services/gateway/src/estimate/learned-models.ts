import type { LearnedModelRecord, TokenUsage } from '@sluice/contracts'
import type { RequestInspection } from '@sluice/providers'
import { CachedShares } from './cached-share.ts'
import { OutputPercentile } from './output-percentile.ts'
import { mostTokensOf, SealedShare } from './sealed-share.ts'
import { START_BYTES_PER_TOKEN, TokenRatio } from './token-ratio.ts'

/** The estimates that a connection's requests to one model have taught. */
export interface LearnedModel {
  /** For the text of prompts. */
  readonly ratio: TokenRatio
  /** For tools, in {@link toolUnits}: the initial ratio is the expected cost. */
  readonly tools: TokenRatio
  readonly sealed: SealedShare
  readonly output: OutputPercentile
}

/** The expected tokens of those parts of a prompt about which is learned. */
export interface PromptTokens {
  readonly text: number
  readonly tools: number
  readonly sealed: number
}

/** Returns the expected tokens of a prompt without frame and media; if `learned` is undefined, by the model's family. */
export function expectedPrompt(request: RequestInspection, learned: LearnedModel | undefined): PromptTokens {
  const { promptBytes, bytesPerToken = START_BYTES_PER_TOKEN, toolTokens = 0, sealedBytes = 0 } = request
  return {
    text: learned?.ratio.tokensOf(promptBytes) ?? promptBytes / bytesPerToken,
    tools: toolTokens === 0 ? 0 : (learned?.tools.tokensOf(toolUnits(toolTokens)) ?? toolTokens),
    sealed: sealedBytes === 0 ? 0 : (learned?.sealed.tokensOf(sealedBytes) ?? 0),
  }
}

/**
 * Remembers what the settled requests of one connection have taught about its models, in memory. Applications can name any number of models, so those
 * that were learned about least recently are forgotten.
 */
export class LearnedModels {
  /** The part of prompts that the provider reads from its cache; stored with the rest. */
  readonly cachedShares = new CachedShares()
  readonly #models = new Map<string, LearnedModel>()
  readonly #changed = new Set<string>()
  /** The model that was last learned about, which is the last of the map. */
  #latest = ''

  /** Returns what is known about a model; undefined if nothing is. */
  of(model: string): LearnedModel | undefined {
    return this.#models.get(model)
  }

  /**
   * Learns from a request's reported usage. Input tokens include cached ones, since they are part of the prompt, and output tokens include
   * reasoning, since a maximum bounds both.
   * @param complete whether the response is complete
   */
  learn(request: RequestInspection, usage: TokenUsage, complete: boolean): void {
    if (request.model === '') return
    const learned = this.#touch(request)
    this.#changed.add(request.model)
    // The cost of media is only assumed, and input that the provider stores or adds is not in the body: both would distort the ratio.
    if (request.mediaParts === 0 && request.hasStoredPrompt !== true && request.providerAddsInput !== true) {
      learnPrompt(request, usage.inputTokens, learned)
    }
    const maximum = request.maxOutputTokens ?? Number.POSITIVE_INFINITY
    if (complete && maximum > 0) {
      const outputTokens = usage.outputTokens / request.outputs
      learned.output.learn(outputTokens, outputTokens >= maximum)
    }
  }

  /** Returns the records of models that have changed since the last call, the last changed at the end. */
  takeChanged(): LearnedModelRecord[] {
    if (this.#changed.size === 0) return []
    const changed = this.records.filter(({ model }) => this.#changed.has(model))
    this.#changed.clear()
    return changed
  }

  /** Makes {@link takeChanged} return these models again, in their state at that time. */
  markChanged(records: readonly LearnedModelRecord[]): void {
    for (const { model } of records) this.#changed.add(model)
  }

  /** The record of each model, the last changed at the end. */
  get records(): LearnedModelRecord[] {
    return [...this.#models].map(([model, { ratio, tools, sealed, output }]) => {
      const cached = this.cachedShares.stateOf(model)
      return {
        model,
        ratio: ratio.state,
        tools: tools.state,
        sealed: sealed.state,
        output: output.state,
        ...(cached === undefined ? {} : { cached }),
      }
    })
  }

  /** Restores stored records, by this gateway or another, of models about which nothing has been learned yet. */
  restore(records: readonly LearnedModelRecord[]): void {
    const learnedSince = [...this.#models]
    this.#models.clear()
    for (const { model, ratio, tools, sealed, output, cached } of records.slice(-MAX_MODELS)) {
      if (cached !== undefined) this.cachedShares.restore(model, cached)
      this.#models.set(model, {
        ratio: TokenRatio.from(ratio),
        tools: TokenRatio.from(tools),
        sealed: SealedShare.from(sealed),
        output: OutputPercentile.from(output),
      })
    }
    for (const [model, learned] of learnedSince) this.#put(model, learned)
  }

  #touch({ model, bytesPerToken }: RequestInspection): LearnedModel {
    const known = this.#models.get(model)
    // It is the last of the map already.
    if (known !== undefined && model === this.#latest) return known
    const learned = known ?? {
      ratio: new TokenRatio(bytesPerToken),
      tools: new TokenRatio(),
      sealed: new SealedShare(),
      output: new OutputPercentile(),
    }
    this.#put(model, learned)
    return learned
  }

  #put(model: string, learned: LearnedModel): void {
    this.#latest = model
    this.#models.delete(model)
    this.#models.set(model, learned)
    if (this.#models.size > MAX_MODELS) {
      for (const oldest of this.#models.keys()) {
        this.#models.delete(oldest)
        this.#changed.delete(oldest)
        break
      }
    }
  }
}

/** For each connection; a model takes about a KiB. */
export const MAX_MODELS = 64

/**
 * Divides the difference between actual and expected input among the parts of the prompt, by their size and uncertainty: the cost of a
 * server's tool prompt, and whether sealed reasoning counts, are often learned only here. Requests without one of the parts show which of
 * them caused the difference. The frame is taken as known.
 */
function learnPrompt(request: RequestInspection, inputTokens: number, learned: LearnedModel): void {
  const { promptBytes, frameTokens = 0, toolTokens = 0, sealedBytes = 0 } = request
  const { text, tools, sealed } = expectedPrompt(request, learned)
  const mostSealed = mostTokensOf(sealedBytes)
  const sum = text + tools * TOOLS_DOUBT + mostSealed
  if (sum === 0) return
  const excess = (inputTokens - text - frameTokens - tools - sealed) / sum
  learned.ratio.learn(promptBytes, atLeastOne(text + excess * text))
  if (toolTokens > 0) learned.tools.learn(toolUnits(toolTokens), atLeastOne(tools + excess * tools * TOOLS_DOUBT))
  if (sealedBytes > 0) learned.sealed.learn(sealedBytes, sealed + excess * mostSealed)
}

/** How many times more uncertain the cost of tools is than that of text. */
const TOOLS_DOUBT = 3

/** Returns the size of tools in the unit of their ratio, which stands for bytes. */
function toolUnits(toolTokens: number): number {
  return toolTokens * START_BYTES_PER_TOKEN
}

function atLeastOne(tokens: number): number {
  return Math.max(1, tokens)
}
