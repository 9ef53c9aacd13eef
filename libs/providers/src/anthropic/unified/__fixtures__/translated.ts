import type { NativeCall, Translation, UnifiedRequest } from '../../../unified-api.ts'
import { toMessageCall } from '../message-call.ts'

/** The call that a request comes to. */
export function translated(request: UnifiedRequest): NativeCall {
  const translation: Translation = toMessageCall(request)
  if (translation.status !== 'translated') throw new Error(JSON.stringify(translation))
  return translation
}

/** The body of that call. */
export function messageOf(request: UnifiedRequest): Record<string, unknown> {
  return JSON.parse(translated(request).body.toString())
}
