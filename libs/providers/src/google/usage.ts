import type { TokenUsage } from '@sluice/contracts'
import { isRecord, tokenCount } from '../wire/json.ts'
import { type Counts, highest, highestCounts, type ReportedUsage, sumOf, wholeUsage } from '../wire/reported-usage.ts'

/**
 * The counts of a `usageMetadata`; `toolUseTokens` are what tools added to the prompt. Undefined counts were not
 * reported.
 */
export type GoogleUsage = Counts<
  'promptTokens' | 'toolUseTokens' | 'cachedTokens' | 'candidateTokens' | 'thoughtTokens' | 'totalTokens'
>

/** Merges a `usageMetadata` into earlier ones; each of its counts covers the whole response so far. */
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
 * Returns the counts in the form common to all providers. Google counts thoughts separately from candidates, tool
 * results separately from the prompt, and cached content as part of the prompt. Where a server's total leaves no room
 * for them, they are part of the other counts.
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function reportedGoogleUsage(usage: GoogleUsage | undefined): ReportedUsage | undefined {
  if (usage === undefined) return undefined
  const { promptTokens, toolUseTokens = 0, cachedTokens, candidateTokens, thoughtTokens, totalTokens } = usage
  const counted = (promptTokens ?? 0) + (candidateTokens ?? 0)
  const isWhole = promptTokens !== undefined && candidateTokens !== undefined && totalTokens !== undefined
  const thoughtsWithin =
    isWhole && (thoughtTokens ?? 0) <= candidateTokens && [counted, counted + toolUseTokens].includes(totalTokens)
  const toolsWithin =
    isWhole && toolUseTokens <= promptTokens && [counted, counted + (thoughtTokens ?? 0)].includes(totalTokens)
  return {
    inputTokens: promptTokens === undefined ? undefined : promptTokens + (toolsWithin ? 0 : toolUseTokens),
    outputTokens: thoughtsWithin ? candidateTokens : sumOf(candidateTokens, thoughtTokens),
    totalTokens,
    cachedInputTokens: cachedTokens,
    reasoningTokens: thoughtTokens,
    addedInputs: toolUseTokens,
  }
}

/** Returns the complete usage; undefined where input or output is unknown. */
export function totalUsage(usage: GoogleUsage | undefined): TokenUsage | undefined {
  return wholeUsage(reportedGoogleUsage(usage))
}
