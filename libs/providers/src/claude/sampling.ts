import type { ChatRequest } from '../unified/chat-request.ts'
import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'

/** What the SDK no longer types, as its version of the API refuses it. */
export interface Sampling {
  readonly temperature?: number
  readonly top_p?: number
}

/**
 * Both are left out where they are 1, which is what happens anyway: newer models refuse every other value, and any of both
 * together.
 */
export function toSampling({ temperature = 1, top_p = 1 }: ChatRequest): Sampling | Refusal {
  if (temperature > 1) return refuse('temperature', 'Anthropic takes a temperature from 0 to 1.')
  return { ...(temperature === 1 ? {} : { temperature }), ...(top_p === 1 ? {} : { top_p }) }
}
