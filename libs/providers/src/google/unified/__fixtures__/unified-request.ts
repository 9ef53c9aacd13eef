import type { NativeCall, Translation, UnifiedRequest } from '../../../unified-api.ts'
import { jsonText } from '../../../wire/json-text.ts'

/** A request as the gateway gives it to a translator. */
export function unifiedRequest(
  body: Readonly<Record<string, unknown>>,
  settings: Partial<UnifiedRequest> = {},
): UnifiedRequest {
  const whole = { model: 'prod/gemini', ...body }
  return {
    body: whole,
    bytes: Buffer.from(jsonText(whole) ?? ''),
    model: 'gemini-2.5-flash',
    defaultMaxOutputTokens: 1_024,
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

export const HELLO = [{ role: 'user', content: 'Hello!' }]
