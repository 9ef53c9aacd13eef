import type { TokenUsage } from '@sluice/contracts'
import { isRecord } from '../wire/is-record.ts'
import { tokenCount } from '../wire/token-count.ts'

/** The counts of a `usage` object that has at least one. Absent means untold. */
export interface ClaudeUsage {
  readonly inputTokens?: number | undefined
  readonly cacheCreationTokens?: number | undefined
  readonly cacheReadTokens?: number | undefined
  readonly outputTokens?: number | undefined
  readonly thinkingTokens?: number | undefined
}

/** Undefined where `usage` is nothing of the kind. */
export function readClaudeUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage)) return undefined
  const details = usage.output_tokens_details
  return knownUsage({
    inputTokens: tokenCount(usage.input_tokens),
    cacheCreationTokens: tokenCount(usage.cache_creation_input_tokens),
    cacheReadTokens: tokenCount(usage.cache_read_input_tokens),
    outputTokens: tokenCount(usage.output_tokens),
    thinkingTokens: isRecord(details) ? tokenCount(details.thinking_tokens) : undefined,
  })
}

/** Undefined where none of the counts tells anything by itself. */
export function knownUsage(usage: ClaudeUsage): ClaudeUsage | undefined {
  return usage.inputTokens === undefined && usage.outputTokens === undefined ? undefined : usage
}

/** `later` where it tells; counts are cumulative, so that a later one replaces an earlier. */
export function mergeClaudeUsage(earlier: ClaudeUsage | undefined, later: ClaudeUsage): ClaudeUsage {
  return {
    inputTokens: later.inputTokens ?? earlier?.inputTokens,
    cacheCreationTokens: later.cacheCreationTokens ?? earlier?.cacheCreationTokens,
    cacheReadTokens: later.cacheReadTokens ?? earlier?.cacheReadTokens,
    outputTokens: later.outputTokens ?? earlier?.outputTokens,
    thinkingTokens: later.thinkingTokens ?? earlier?.thinkingTokens,
  }
}

/**
 * Anthropic's `input_tokens` are those that the cache had no part in: ours are all.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance
 */
export function totalUsage(usage: ClaudeUsage | undefined): TokenUsage | undefined {
  if (usage?.inputTokens === undefined) return undefined
  const { inputTokens, cacheCreationTokens = 0, cacheReadTokens = 0, outputTokens = 0, thinkingTokens = 0 } = usage
  return {
    inputTokens: inputTokens + cacheCreationTokens + cacheReadTokens,
    outputTokens,
    cachedInputTokens: cacheReadTokens,
    reasoningTokens: thinkingTokens,
  }
}
