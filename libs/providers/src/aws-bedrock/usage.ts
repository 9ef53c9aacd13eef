import { type ClaudeUsage, knownUsage, mergeClaudeUsage, readClaudeUsage } from '../claude/usage.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import { countHeader, type WireHeaders } from '../wire/headers.ts'
import { isRecord, tokenCount } from '../wire/json.ts'
import { highest, partialUsage, sumOf, wholeUsage } from '../wire/reported-usage.ts'

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
    totalTokens: tokenCount(usage.totalTokens),
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
  const own = readClaudeUsage(usage) ?? readConverseUsage(usage)
  const chat = readChatUsage(usage)
  return own === undefined || chat === undefined ? (own ?? chat) : mergeClaudeUsage(own, chat)
}

/** As models with OpenAI's format have it: with all input in `prompt_tokens`, and what was cached within it. */
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
 * The counts that some makers' models have beside their output: Meta's, and Amazon's Titan, which counts each of its results.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html
 */
export function readMakersCounts(answer: unknown): ClaudeUsage | undefined {
  if (!isRecord(answer)) return undefined
  return knownUsage({
    inputTokens: highest(tokenCount(answer.prompt_token_count), tokenCount(answer.inputTextTokenCount)),
    outputTokens: highest(
      tokenCount(answer.generation_token_count),
      tokenCount(answer.totalOutputTextTokenCount),
      resultTokens(answer.results),
    ),
  })
}

function resultTokens(results: unknown): number | undefined {
  let tokens: number | undefined
  for (const result of Array.isArray(results) ? (results as readonly unknown[]) : []) {
    if (isRecord(result)) tokens = sumOf(tokens, tokenCount(result.tokenCount))
  }
  return tokens
}
