import type { UnifiedRequest } from '../../../unified-api.ts'

/** A request of the unified endpoint with this body; "Hi" of the user where it has no messages. */
export function unifiedRequest(
  body: Readonly<Record<string, unknown>> = {},
  model = 'claude-opus-4-7',
): UnifiedRequest {
  const whole = { model: `prod/${model}`, messages: [{ role: 'user', content: 'Hi' }], ...body }
  return {
    body: whole,
    bytes: Buffer.from(JSON.stringify(whole)),
    model,
    defaultMaxOutputTokens: 4_096,
    images: new Map(),
    responseId: 'answer-1',
    receivedAtMs: 1_760_000_000_999,
  }
}
