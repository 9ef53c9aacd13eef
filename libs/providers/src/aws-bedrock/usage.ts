import { type ClaudeUsage, knownUsage, mergeClaudeUsage, readClaudeUsage } from '../claude/usage.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import { countHeader, type WireHeaders } from '../wire/headers.ts'
import { arrayOf, isRecord, tokenCount } from '../wire/json.ts'
import { highest, partialUsage, sumOf, wholeUsage } from '../wire/reported-usage.ts'

/**
 * Reads Converse's `usage`. Bedrock counts as Anthropic does: `inputTokens` excludes what was read from or written to
 * the cache.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html
 */
export function readConverseUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage)) return undefined
  return knownUsage({
    inputTokens: tokenCount(usage.inputTokens),
    cacheCreationTokens: tokenCount(usage.cacheWriteInputTokens),
    cacheReadTokens: tokenCount(usage.cacheReadInputTokens),
    outputTokens: tokenCount(usage.outputTokens),
    totalTokens: tokenCount(usage.totalTokens),
  })
}

/** Reads the `amazon-bedrock-invocationMetrics` of a streamed invocation's last chunk. */
export function readInvocationMetrics(metrics: unknown): ClaudeUsage | undefined {
  if (!isRecord(metrics)) return undefined
  return knownUsage({
    inputTokens: tokenCount(metrics.inputTokenCount),
    cacheCreationTokens: tokenCount(metrics.cacheWriteInputTokenCount),
    cacheReadTokens: tokenCount(metrics.cacheReadInputTokenCount),
    outputTokens: tokenCount(metrics.outputTokenCount),
  })
}

/** Reads the usage headers of an invocation that is not streamed. */
export function readUsageHeaders(headers: WireHeaders): ClaudeUsage | undefined {
  return knownUsage({
    inputTokens: countHeader(headers, 'x-amzn-bedrock-input-token-count'),
    cacheCreationTokens: countHeader(headers, 'x-amzn-bedrock-cache-write-input-token-count'),
    cacheReadTokens: countHeader(headers, 'x-amzn-bedrock-cache-read-input-token-count'),
    outputTokens: countHeader(headers, 'x-amzn-bedrock-output-token-count'),
  })
}

/** Reads the `usage` in the body of an invocation's response, in any maker's format. */
export function readInvokeUsage(usage: unknown): ClaudeUsage | undefined {
  const own = readClaudeUsage(usage) ?? readConverseUsage(usage)
  const chat = readChatUsage(usage)
  return own === undefined || chat === undefined ? (own ?? chat) : mergeClaudeUsage(own, chat)
}

/** Reads OpenAI's format, whose `prompt_tokens` include cached input. */
function readChatUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage) || CHAT_COUNTS.every((name) => usage[name] === undefined)) return undefined
  const reported = readOpenAiUsage(usage)
  const known = wholeUsage(reported) ?? partialUsage(reported)
  if (known === undefined) return undefined
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteInputTokens, reasoningTokens } = known
  const cached = cachedInputTokens + (cacheWriteInputTokens ?? 0)
  return knownUsage({
    inputTokens: inputTokens === undefined ? undefined : inputTokens - cached,
    outputTokens,
    cacheReadTokens: cachedInputTokens,
    cacheCreationTokens: cacheWriteInputTokens,
    thinkingTokens: reasoningTokens,
  })
}

const CHAT_COUNTS = ['prompt_tokens', 'completion_tokens', 'total_tokens'] as const

/**
 * Reads the counts that Meta's models and Amazon Titan report outside a `usage` object; Titan counts each of its
 * results.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html
 */
export function readMakersCounts(response: unknown): ClaudeUsage | undefined {
  if (!isRecord(response)) return undefined
  return knownUsage({
    inputTokens: highest(tokenCount(response.prompt_token_count), tokenCount(response.inputTextTokenCount)),
    outputTokens: highest(
      tokenCount(response.generation_token_count),
      tokenCount(response.totalOutputTextTokenCount),
      resultTokens(response.results),
    ),
  })
}

function resultTokens(results: unknown): number | undefined {
  let tokens: number | undefined
  for (const result of arrayOf(results)) {
    if (isRecord(result)) tokens = sumOf(tokens, tokenCount(result.tokenCount))
  }
  return tokens
}
