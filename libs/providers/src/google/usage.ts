import type { TokenUsage } from '@sluice/contracts'
import { isRecord } from '../wire/is-record.ts'
import { type Counts, highest, highestCounts, type ReportedUsage, wholeUsage } from '../wire/reported-usage.ts'
import { tokenCount } from '../wire/token-count.ts'

/** The counts of a `usageMetadata`; `toolUseTokens` are what tools that the model used put into its prompt. Absent means untold. */
export type GoogleUsage = Counts<
  'promptTokens' | 'toolUseTokens' | 'cachedTokens' | 'candidateTokens' | 'thoughtTokens' | 'totalTokens'
>

/** `earlier` with what `metadata` tells; each of its counts is of the whole answer so far. */
export function addGoogleUsage(earlier: GoogleUsage | undefined, metadata: unknown): GoogleUsage | undefined {
  if (!isRecord(metadata)) return earlier
  return highestCounts(earlier, {
    promptTokens: tokenCount(metadata.promptTokenCount),
    toolUseTokens: tokenCount(metadata.toolUsePromptTokenCount),
    cachedTokens: tokenCount(metadata.cachedContentTokenCount),
    candidateTokens: highest(tokenCount(metadata.candidatesTokenCount), tokenCount(metadata.responseTokenCount)),
    thoughtTokens: tokenCount(metadata.thoughtsTokenCount),
    totalTokens: tokenCount(metadata.totalTokenCount),
  })
}

/**
 * Says the counts as all providers' are said. Google counts thoughts apart from the candidates, and cached content within the prompt.
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function reportedGoogleUsage(usage: GoogleUsage | undefined): ReportedUsage | undefined {
  if (usage === undefined) return undefined
  const { promptTokens, toolUseTokens = 0, cachedTokens, candidateTokens, thoughtTokens, totalTokens } = usage
  return {
    inputTokens: promptTokens === undefined ? undefined : promptTokens + toolUseTokens,
    outputTokens: sumOf(candidateTokens, thoughtTokens),
    totalTokens,
    cachedInputTokens: cachedTokens,
    reasoningTokens: thoughtTokens,
    addedInputs: toolUseTokens,
  }
}

/** Undefined where input or output is not known. */
export function totalUsage(usage: GoogleUsage | undefined): TokenUsage | undefined {
  return wholeUsage(reportedGoogleUsage(usage))
}

function sumOf(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one + other
}
