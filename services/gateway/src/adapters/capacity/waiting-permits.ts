import { setTimeout as sleep } from 'node:timers/promises'
import { createWaitingLine, type WaitingLine } from '../../domain/waiting-line.ts'
import type { PermitOutcome, Permits } from '../../ports/permits.ts'
import type { LanePermits } from './lane-permits.ts'

type Served = Exclude<PermitOutcome, { status: 'denied' }>

/**
 * Permits that can be waited for, in one line for each connection. Where nobody waits, a request that does not wait either
 * passes by at no cost.
 */
export function waitingPermits(permits: LanePermits, maxWaiting: number): Omit<Permits, 'expired'> {
  const lines = new Map<string, { readonly line: WaitingLine<Served>; users: number }>()

  const lineOf = (connectionId: string) => {
    let entry = lines.get(connectionId)
    if (entry === undefined) {
      const line = createWaitingLine<Served>({
        ask: (request) => permits.acquire(connectionId, request),
        probe: (request, cost) => permits.probe(connectionId, request, cost),
        nowMs: () => performance.now(),
        sleep: (durationMs) => sleep(durationMs),
        maxWaiting,
      })
      entry = { line, users: 0 }
      lines.set(connectionId, entry)
    }
    return entry
  }

  return {
    acquire: async (connectionId, request, { maxWaitMs, gone }) => {
      if (maxWaitMs === 0 && !lines.has(connectionId)) return permits.acquire(connectionId, request)
      const entry = lineOf(connectionId)
      entry.users++
      const outcome = await entry.line.join({ ...request, maxWaitMs, gone: gone() })
      if (--entry.users === 0) lines.delete(connectionId)
      return outcome
    },
    unreserved: permits.unreserved,
  }
}
