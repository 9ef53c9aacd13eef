import type { TokenUsage } from '@sluice/contracts'
import { isRecord } from '../wire/is-record.ts'
import { findLastMember, memberValue } from '../wire/json-member.ts'

/**
 * The `usage` object of chat, completions and embeddings (`prompt_tokens`) or of responses, images and transcriptions
 * (`input_tokens`). Undefined where it is neither, such as a transcription's that is in seconds.
 */
export function readOpenAiUsage(usage: unknown): TokenUsage | undefined {
  if (!isRecord(usage)) return undefined
  const inputTokens = count(usage.prompt_tokens) ?? count(usage.input_tokens)
  if (inputTokens === undefined) return undefined
  return {
    inputTokens,
    outputTokens: count(usage.completion_tokens) ?? count(usage.output_tokens) ?? 0,
    cachedInputTokens: detail(usage.prompt_tokens_details ?? usage.input_tokens_details, 'cached_tokens'),
    reasoningTokens: detail(usage.completion_tokens_details ?? usage.output_tokens_details, 'reasoning_tokens'),
  }
}

/** The usage in a JSON document, or in its tail, `depth` objects deep. */
export function findOpenAiUsage(json: Buffer, depth: number): TokenUsage | undefined {
  const member = findLastMember(json, 'usage', depth)
  if (member === undefined) return undefined
  try {
    return readOpenAiUsage(memberValue(json, member))
  } catch {
    // What an upstream sends need not be JSON: then its usage is unknown.
    return undefined
  }
}

function detail(details: unknown, name: string): number {
  return (isRecord(details) ? count(details[name]) : undefined) ?? 0
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}
