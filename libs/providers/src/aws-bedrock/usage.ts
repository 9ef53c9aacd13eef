import { type ClaudeUsage, knownUsage, mergeClaudeUsage, readClaudeUsage } from '../claude/usage.ts'
import { readOpenAiUsage } from '../openai/usage.ts'
import type { WireHeaders } from '../provider-adapter.ts'
import { countHeader } from '../wire/header-value.ts'
import { isRecord } from '../wire/is-record.ts'
import { highest, wholeUsage } from '../wire/reported-usage.ts'
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
  const own = readClaudeUsage(usage) ?? readConverseUsage(usage)
  const chat = readChatUsage(usage)
  return own === undefined || chat === undefined ? (own ?? chat) : mergeClaudeUsage(own, chat)
}

/** As models with OpenAI's format have it, with all input in `prompt_tokens`. */
function readChatUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage) || (usage.prompt_tokens === undefined && usage.completion_tokens === undefined)) return undefined
  const reported = readOpenAiUsage(usage)
  const { inputTokens, outputTokens } = wholeUsage(reported) ?? reported ?? {}
  return knownUsage({ inputTokens, outputTokens })
}

/**
 * The counts that some makers' models have beside their output: Meta's, and Amazon's Titan.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-meta.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html
 */
export function readMakersCounts(answer: unknown): ClaudeUsage | undefined {
  if (!isRecord(answer)) return undefined
  return knownUsage({
    inputTokens: highest(tokenCount(answer.prompt_token_count), tokenCount(answer.inputTextTokenCount)),
    outputTokens: highest(tokenCount(answer.generation_token_count), tokenCount(answer.totalOutputTextTokenCount)),
  })
}
