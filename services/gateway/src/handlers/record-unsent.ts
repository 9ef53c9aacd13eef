import type { ResponseEvent } from '@sluice/contracts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { Call } from './call.ts'

/** What is known of a request on a connection that its sender may use. */
export type UnsentCall = Pick<Call, 'requestId' | 'startedAtMs' | 'apiKey' | 'connection'>

/** Records the end of a request that was not sent to the provider. @param model empty where it was not looked at */
export function recordUnsent(
  { events, clock }: DataPlane,
  { requestId, startedAtMs, apiKey, connection }: UnsentCall,
  model: string,
  end: Pick<ResponseEvent, 'outcome' | 'deniedBy'>,
): void {
  const { id, provider } = connection.settings
  events.record(id, provider, { requestId, startedAtMs, endedAtMs: clock.nowMs(), apiKeyId: apiKey.id, model, ...end })
}
