import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage } from '../provider-adapter.ts'

/** Counts by name, each of the whole response so far. Absent means not reported. */
export type Counts<Name extends string> = { readonly [N in Name]?: number | undefined }

/** What a response has reported of its usage, in no provider's words. */
export type ReportedUsage = Counts<
  'inputTokens' | 'outputTokens' | 'totalTokens' | 'cachedInputTokens' | 'cacheWriteInputTokens' | 'reasoningTokens'
>

/**
 * Merges what two messages of one response report. Its counts are cumulative, so that of each the highest holds: a later one that is
 * lower, or zero, or missing says nothing about what was used.
 */
export function highestCounts<Name extends string>(
  earlier: Counts<Name> | undefined,
  later: Counts<Name>,
): Counts<Name> {
  if (earlier === undefined) return later
  const merged: { [N in Name]?: number | undefined } = { ...earlier }
  for (const name in later) merged[name] = highest(merged[name], later[name])
  return merged
}

/** Returns the highest of the counts that are known. */
export function highest(...counts: readonly (number | undefined)[]): number | undefined {
  let most: number | undefined
  for (const count of counts) {
    if (count !== undefined && (most === undefined || count > most)) most = count
  }
  return most
}

/** Returns the usage, where both the input and the output are known. */
export function wholeUsage(reported: ReportedUsage | undefined): TokenUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens, outputTokens } = resolved(reported)
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  const { cachedInputTokens = 0, cacheWriteInputTokens, reasoningTokens = 0 } = reported
  return cacheWriteInputTokens === undefined
    ? { inputTokens, outputTokens, cachedInputTokens, reasoningTokens }
    : { inputTokens, outputTokens, cachedInputTokens, cacheWriteInputTokens, reasoningTokens }
}

/** Returns what is known of the usage, where that is either the input or the output. */
export function partialUsage(reported: ReportedUsage | undefined): PartialUsage | undefined {
  if (reported === undefined) return undefined
  const { inputTokens, outputTokens } = resolved(reported)
  if ((inputTokens === undefined) === (outputTokens === undefined)) return undefined
  const { cachedInputTokens = 0, cacheWriteInputTokens, reasoningTokens = 0 } = reported
  return {
    ...(inputTokens === undefined ? { outputTokens } : { inputTokens }),
    cachedInputTokens,
    ...(cacheWriteInputTokens === undefined ? {} : { cacheWriteInputTokens }),
    reasoningTokens,
  }
}

/**
 * Works out input and output, never lower than any of the counts says: of the parts, which their wholes should contain; of the total,
 * whose rest is output that was counted apart, as xAI's and Gemini's reasoning is. No prompt has 0 tokens: servers that do not
 * count report that.
 */
function resolved(reported: ReportedUsage): {
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
} {
  const { totalTokens, cachedInputTokens = 0, cacheWriteInputTokens = 0, reasoningTokens = 0 } = reported
  let inputTokens = known(withApart(reported.inputTokens, cachedInputTokens + cacheWriteInputTokens))
  let outputTokens = withApart(reported.outputTokens, reasoningTokens)
  if (totalTokens !== undefined) {
    inputTokens ??= known(totalTokens - (outputTokens ?? 0))
    outputTokens = Math.max(outputTokens ?? 0, totalTokens - (inputTokens ?? 0))
  }
  if (inputTokens === undefined && outputTokens === 0) outputTokens = undefined
  return { inputTokens, outputTokens }
}

function known(inputTokens: number | undefined): number | undefined {
  return inputTokens !== undefined && inputTokens > 0 ? inputTokens : undefined
}

/** A part that is larger than its whole was counted beside it. */
function withApart(whole: number | undefined, part: number): number | undefined {
  return whole !== undefined && part > whole ? whole + part : whole
}
