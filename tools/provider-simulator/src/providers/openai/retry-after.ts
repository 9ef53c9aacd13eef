import type { OutgoingHttpHeaders } from 'node:http'

/** When to come back: whole seconds, rounded up, as HTTP has it, and the exact milliseconds that OpenAI's SDK prefers. */
export function retryAfterHeaders(retryAfterMs: number): OutgoingHttpHeaders {
  return { 'retry-after': `${Math.ceil(retryAfterMs / 1000)}`, 'retry-after-ms': `${retryAfterMs}` }
}
