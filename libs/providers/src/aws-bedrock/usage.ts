import { type ClaudeUsage, knownUsage, readClaudeUsage } from '../claude/usage.ts'
import type { WireHeaders } from '../provider-adapter.ts'
import { countHeader } from '../wire/header-value.ts'
import { isRecord } from '../wire/is-record.ts'
import { tokenCount } from '../wire/token-count.ts'

/**
 * Converse's `usage`. Bedrock counts as Anthropic does: input that the cache had a part in is not in `inputTokens`.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export function readConverseUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage)) return undefined
  return knownUsage({
    inputTokens: tokenCount(usage.inputTokens),
    cacheCreationTokens: tokenCount(usage.cacheWriteInputTokens),
    cacheReadTokens: tokenCount(usage.cacheReadInputTokens),
    outputTokens: tokenCount(usage.outputTokens),
  })
}

/** The `amazon-bedrock-invocationMetrics` of a streamed invocation's last chunk. */
export function readInvocationMetrics(metrics: unknown): ClaudeUsage | undefined {
  if (!isRecord(metrics)) return undefined
  return knownUsage({
    inputTokens: tokenCount(metrics.inputTokenCount),
    cacheCreationTokens: tokenCount(metrics.cacheWriteInputTokenCount),
    cacheReadTokens: tokenCount(metrics.cacheReadInputTokenCount),
    outputTokens: tokenCount(metrics.outputTokenCount),
  })
}

/** What the headers of a plain invocation's answer tell. */
export function readUsageHeaders(headers: WireHeaders): ClaudeUsage | undefined {
  return knownUsage({
    inputTokens: countHeader(headers, 'x-amzn-bedrock-input-token-count'),
    cacheCreationTokens: countHeader(headers, 'x-amzn-bedrock-cache-write-input-token-count'),
    cacheReadTokens: countHeader(headers, 'x-amzn-bedrock-cache-read-input-token-count'),
    outputTokens: countHeader(headers, 'x-amzn-bedrock-output-token-count'),
  })
}

/** The `usage` in the body of an invocation's answer, by the maker of the model. */
export function readInvokeUsage(usage: unknown): ClaudeUsage | undefined {
  return readClaudeUsage(usage) ?? readConverseUsage(usage) ?? readChatUsage(usage)
}

function readChatUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage)) return undefined
  return knownUsage({
    inputTokens: tokenCount(usage.prompt_tokens),
    outputTokens: tokenCount(usage.completion_tokens),
  })
}
