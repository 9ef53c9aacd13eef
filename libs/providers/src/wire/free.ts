import type { RequestInspection } from '../provider-adapter.ts'

/** For requests that cost no tokens. */
export const FREE: RequestInspection = {
  model: '',
  streamed: false,
  promptBytes: 0,
  mediaParts: 0,
  maxOutputTokens: 0,
  outputs: 1,
  addsUsage: false,
}
