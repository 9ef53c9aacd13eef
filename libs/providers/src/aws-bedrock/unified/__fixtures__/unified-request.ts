import type { NativeCall, Refusal, Translation, UnifiedRequest } from '../../../unified-api.ts'
import { toConverseCall } from '../converse-call.ts'

export const CLAUDE = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'
export const NOVA = 'amazon.nova-lite-v1:0'

import { jsonText } from '../../../wire/json-text.ts'

/** A request of the unified endpoint with this body; "Hi" of the user where it has no messages. */
export function unifiedRequest(
  body: Readonly<Record<string, unknown>> = {},
  settings: Partial<UnifiedRequest> = {},
): UnifiedRequest {
  const whole = { model: 'prod/model', messages: [{ role: 'user', content: 'Hi' }], ...body }
  return {
    body: whole,
    bytes: Buffer.from(jsonText(whole) ?? ''),
    model: NOVA,
    defaultMaxOutputTokens: 4_096,
    images: new Map(),
    responseId: 'a1',
    receivedAtMs: 1_700_000_000_900,
    ...settings,
  }
}

/** @throws where it is no call, with what it is instead */
export function nativeCall(translation: Translation): NativeCall {
  if (translation.status === 'translated') return translation
  throw new Error(JSON.stringify(translation))
}

/** @throws where it is none, with what it is instead */
export function refusal(translation: Translation): Refusal {
  if (translation.status === 'refused') return translation
  throw new Error(translation.status)
}

/** The body of the call that a chat completion comes to. */
export function converseBody(body: Readonly<Record<string, unknown>>, model = NOVA): Record<string, unknown> {
  return JSON.parse(nativeCall(toConverseCall(unifiedRequest(body, { model }))).body.toString())
}
