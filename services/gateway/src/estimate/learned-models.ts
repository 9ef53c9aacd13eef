import type { LearnedModelRecord, TokenUsage } from '@sluice/contracts'
import type { RequestInspection } from '@sluice/providers'
import { CachedShares } from './cached-share.ts'
import { OutputPercentile } from './output-percentile.ts'
import { mostTokensOf, SealedShare } from './sealed-share.ts'
import { START_BYTES_PER_TOKEN, TokenRatio } from './token-ratio.ts'

/** What the requests of one connection to one model have taught. */
export interface LearnedModel {
  /** Of the text. */
  readonly ratio: TokenRatio
  /** Of the tools: of {@link toolUnits}, where the ratio of the start stands for what is expected. */
  readonly tools: TokenRatio
  readonly sealed: SealedShare
  readonly output: OutputPercentile
}

/** What the parts of a prompt that are learned of are expected to cost, in tokens. */
export interface PromptTokens {
  readonly text: number
  readonly tools: number
  readonly sealed: number
}

/** Returns the expected cost of a prompt but for frame and media; `learned` undefined: as the model's family has it. */
export function expectedPrompt(request: RequestInspection, learned: LearnedModel | undefined): PromptTokens {
  const { promptBytes, bytesPerToken = START_BYTES_PER_TOKEN, toolTokens = 0, sealedBytes = 0 } = request
  return {
    text: learned?.ratio.tokensOf(promptBytes) ?? promptBytes / bytesPerToken,
    tools: toolTokens === 0 ? 0 : (learned?.tools.tokensOf(toolUnits(toolTokens)) ?? toolTokens),
    sealed: sealedBytes === 0 ? 0 : (learned?.sealed.tokensOf(sealedBytes) ?? 0),
  }
}

/**
 * What the settled requests of one connection have taught about its models, in memory. Applications name the models, so
 * those that were learned of least recently are forgotten.
 */
export class LearnedModels {
  /** What the provider's cache held of the prompts, which is stored with the rest. */
  readonly cachedShares = new CachedShares()
  readonly #models = new Map<string, LearnedModel>()
  readonly #changed = new Set<string>()
  /** Learned of last, and so at the end of the map. */
  #latest = ''

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
    const learned = this.#touch(request)
    this.#changed.add(request.model)
    // What media cost is only assumed, and what the provider keeps or adds is not in the body: all would distort the ratio.
    if (request.mediaParts === 0 && request.hasStoredPrompt !== true && request.providerAddsInput !== true) {
      learnPrompt(request, usage.inputTokens, learned)
    }
    const maximum = request.maxOutputTokens ?? Number.POSITIVE_INFINITY
    if (complete && maximum > 0) {
      const outputTokens = usage.outputTokens / request.outputs
      learned.output.learn(outputTokens, outputTokens >= maximum)
    }
  }

  /** Returns what is known of the models that something was learned of since the last call, those learned of last at the end. */
  takeChanged(): LearnedModelRecord[] {
    if (this.#changed.size === 0) return []
    const changed = this.records.filter(({ model }) => this.#changed.has(model))
    this.#changed.clear()
    return changed
  }

  /** Has {@link takeChanged} return these models again, as they are then. */
  markChanged(records: readonly LearnedModelRecord[]): void {
    for (const { model } of records) this.#changed.add(model)
  }

  /** What is known of each model, those learned of last at the end. */
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

  /** Takes over what was learned before, by this gateway or another, of models that nothing has been learned of yet. */
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
    // It stands at the end already.
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

/** Of one connection; each takes about a KiB. */
export const MAX_MODELS = 64

/**
 * Splits the difference to what was expected between the parts, by how much of the prompt each may be and how little is known of it:
 * what the prompt for a server's tools costs, and whether sealed reasoning counts, is often known only from here. Requests without
 * such a part say which of them it was. The frame is taken as it is.
 */
function learnPrompt(request: RequestInspection, inputTokens: number, learned: LearnedModel): void {
  const { promptBytes, frameTokens = 0, toolTokens = 0, sealedBytes = 0 } = request
  const { text, tools, sealed } = expectedPrompt(request, learned)
  const mostSealed = mostTokensOf(sealedBytes)
  const sum = text + tools * TOOLS_DOUBT + mostSealed
  if (sum === 0) return
  const beyond = (inputTokens - text - frameTokens - tools - sealed) / sum
  learned.ratio.learn(promptBytes, atLeastOne(text + beyond * text))
  if (toolTokens > 0) learned.tools.learn(toolUnits(toolTokens), atLeastOne(tools + beyond * tools * TOOLS_DOUBT))
  if (sealedBytes > 0) learned.sealed.learn(sealedBytes, sealed + beyond * mostSealed)
}

/** How many times less sure the cost of tools is than that of text. */
const TOOLS_DOUBT = 3

/** What counts as bytes in the ratio of tools. */
function toolUnits(toolTokens: number): number {
  return toolTokens * START_BYTES_PER_TOKEN
}

function atLeastOne(tokens: number): number {
  return Math.max(1, tokens)
}
