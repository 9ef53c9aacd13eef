import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonStructure } from '@sluice/providers'
import type { ApiKey } from '../admission/api-key.ts'
import type { ReadingTask } from '../estimate/body-reader.ts'
import type { HeldBytes } from '../http/held-bytes.ts'

/** A request of the unified endpoint whose sender is known. */
export interface UnifiedCall {
  readonly requestId: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly apiKey: ApiKey
  readonly operation: 'chat' | 'embeddings'
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A request's whole JSON body. */
export interface UnifiedBody {
  readonly body: Buffer
  readonly structure: JsonStructure
  readonly held: HeldBytes
}

/** Returns how a body of this call is to be read: in its API key's turn, and not any more once the client has disconnected. */
export function readingTask({ apiKey, response }: UnifiedCall, estimatedNs: number): ReadingTask {
  return { owner: apiKey.id, estimatedNs, isDisconnected: () => response.destroyed }
}
