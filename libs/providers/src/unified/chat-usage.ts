import type { TokenUsage } from '@sluice/contracts'
import type { CompletionUsage } from 'openai/resources/completions'

/** Usage as OpenAI tells it: cached tokens are part of the prompt's, reasoning tokens of the completion's. */
export function chatUsage(usage: TokenUsage): CompletionUsage {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }
}
