import type { TokenUsage } from '@sluice/contracts'
import { isRecord } from '../wire/is-record.ts'
import { tokenCount } from '../wire/token-count.ts'

/** The counts of a `usageMetadata`. Absent means untold. */
export interface GoogleUsage {
  readonly promptTokens?: number | undefined
  /** What tools that the model used put into its prompt. */
  readonly toolUseTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  readonly candidateTokens?: number | undefined
  readonly thoughtTokens?: number | undefined
}

/** `earlier` with what `metadata` tells; each of its counts is of the whole answer so far. */
export function addGoogleUsage(earlier: GoogleUsage | undefined, metadata: unknown): GoogleUsage | undefined {
  if (!isRecord(metadata)) return earlier
  return {
    promptTokens: tokenCount(metadata.promptTokenCount) ?? earlier?.promptTokens,
    toolUseTokens: tokenCount(metadata.toolUsePromptTokenCount) ?? earlier?.toolUseTokens,
    cachedTokens: tokenCount(metadata.cachedContentTokenCount) ?? earlier?.cachedTokens,
    candidateTokens: tokenCount(metadata.candidatesTokenCount) ?? earlier?.candidateTokens,
    thoughtTokens: tokenCount(metadata.thoughtsTokenCount) ?? earlier?.thoughtTokens,
  }
}

/**
 * Google counts thoughts apart from the candidates, and cached content within the prompt.
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function totalUsage(usage: GoogleUsage | undefined): TokenUsage | undefined {
  if (usage?.promptTokens === undefined) return undefined
  const { promptTokens, toolUseTokens = 0, cachedTokens = 0, candidateTokens = 0, thoughtTokens = 0 } = usage
  return {
    inputTokens: promptTokens + toolUseTokens,
    outputTokens: candidateTokens + thoughtTokens,
    cachedInputTokens: cachedTokens,
    reasoningTokens: thoughtTokens,
  }
}
