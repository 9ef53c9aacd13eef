/** https://platform.openai.com/docs/api-reference/chat/object, `usage`. Nothing is cached. `reasoningTokens` are of the output. */
export function chatUsage(inputTokens: number, outputTokens: number, reasoningTokens: number) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** The shorter form of the legacy completions. */
export function completionUsage(inputTokens: number, outputTokens: number) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
}

/** https://platform.openai.com/docs/api-reference/responses/object, `usage`. Nothing is cached, nothing reasoned. */
export function responseUsage(inputTokens: number, outputTokens: number) {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  }
}
