const HEAD =
  '{"id":"chatcmpl-C4Hq7","object":"chat.completion.chunk","created":1755137921,"model":"gpt-4.1-nano-2025-04-14","service_tier":"default","system_fingerprint":null'

/** What each chunk holds besides the head, `usage` and `obfuscation`. */
const DELTAS = [
  '"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]',
  '"choices":[{"index":0,"delta":{"content":"naïve 🙂 ,\\"usage\\":null"},"finish_reason":null}]',
  '"choices":[{"index":0,"delta":{"content":"usage"},"finish_reason":null}]',
  '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]',
]

const USAGE =
  '{"prompt_tokens":12,"completion_tokens":100,"total_tokens":112,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":64,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'

export interface StreamShape {
  /** As `stream_options.include_usage` makes it. */
  readonly usage: boolean
  readonly lineEnd?: '\n' | '\r\n'
  readonly obfuscation?: boolean
  /** Comments and an event without data in between. */
  readonly noise?: boolean
  readonly done?: boolean
}

/** A chat completion as OpenAI streams it, with and without usage. */
export function chatStream({
  usage,
  lineEnd = '\n',
  obfuscation = true,
  noise = false,
  done = true,
}: StreamShape): string {
  const padding = obfuscation ? ',"obfuscation":"WuQNX{]"' : ''
  const events = DELTAS.map((delta) => `data: ${HEAD},${delta}${usage ? ',"usage":null' : ''}${padding}}`)
  if (usage) events.push(`data: ${HEAD},"choices":[],"usage":${USAGE}${padding}}`)
  if (noise) events.splice(1, 0, ': keep-alive', 'event: ping')
  if (done) events.push('data: [DONE]')
  return events.map((event) => event + lineEnd + lineEnd).join('')
}

export const CHAT_STREAM_USAGE = { inputTokens: 12, outputTokens: 100, cachedInputTokens: 4, reasoningTokens: 64 }
