/** What each chunk of a streamed answer holds, one after another; their usage is of all so far. */
export const CHUNKS = [
  '{"candidates":[{"content":{"parts":[{"text":"Deep in thought [{\\"","thought":true}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":49,"cachedContentTokenCount":4,"thoughtsTokenCount":40},"modelVersion":"gemini-3-pro-preview","responseId":"bH6LaZW8Fp"}',
  '{"candidates":[{"content":{"parts":[{"text":"naïve 🙂 }],\\"usageMetadata\\":{\\"promptTokenCount\\":999}"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5,"totalTokenCount":114,"thoughtsTokenCount":100},"modelVersion":"gemini-3-pro-preview","responseId":"bH6LaZW8Fp"}',
  '{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"EqsFCqgFAb4vvtAF5n87lB4"}],"role":"model"},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"toolUsePromptTokenCount":3,"candidatesTokenCount":23,"totalTokenCount":135,"promptTokensDetails":[{"modality":"TEXT","tokenCount":9}],"thoughtsTokenCount":100},"modelVersion":"gemini-3-pro-preview","responseId":"bH6LaZW8Fp"}',
] as const

export const CHUNKS_USAGE = { inputTokens: 12, outputTokens: 123, cachedInputTokens: 4, reasoningTokens: 100 }

/** As with `alt=sse`. */
export function sseStream(lineEnd: string, chunks: readonly string[] = CHUNKS): Buffer {
  return Buffer.from(chunks.map((chunk) => `data: ${chunk}${lineEnd}${lineEnd}`).join(''))
}

/** As without it: an array, laid out over lines. */
export function arrayStream(lineEnd: string, chunks: readonly string[] = CHUNKS): Buffer {
  const laidOut = chunks.map((chunk) => JSON.stringify(JSON.parse(chunk), undefined, 2))
  return Buffer.from(`[${laidOut.join(`\n,\n`)}\n]\n`.replaceAll('\n', lineEnd))
}
