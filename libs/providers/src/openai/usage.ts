import type { TokenUsage } from '@sluice/contracts'
import { findUsage } from '../wire/find-usage.ts'
import { isRecord } from '../wire/is-record.ts'
import { tokenCount } from '../wire/token-count.ts'

/**
 * The `usage` object of chat, completions and embeddings (`prompt_tokens`) or of responses, images and transcriptions
 * (`input_tokens`). Undefined where it is neither, such as a transcription's that is in seconds.
 */
export function readOpenAiUsage(usage: unknown): TokenUsage | undefined {
  if (!isRecord(usage)) return undefined
  const inputTokens = tokenCount(usage.prompt_tokens) ?? tokenCount(usage.input_tokens)
  if (inputTokens === undefined) return undefined
  return {
    inputTokens,
    outputTokens: tokenCount(usage.completion_tokens) ?? tokenCount(usage.output_tokens) ?? 0,
    cachedInputTokens: detail(usage.prompt_tokens_details ?? usage.input_tokens_details, 'cached_tokens'),
    reasoningTokens: detail(usage.completion_tokens_details ?? usage.output_tokens_details, 'reasoning_tokens'),
  }
}

/** The usage in a JSON document, or in its tail. */
export function findOpenAiUsage(json: Buffer): TokenUsage | undefined {
  return findUsage(json, 'usage', 1, readOpenAiUsage)
}

function detail(details: unknown, name: string): number {
  return (isRecord(details) ? tokenCount(details[name]) : undefined) ?? 0
}
