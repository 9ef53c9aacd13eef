import { setTimeout as sleep } from 'node:timers/promises'
import { createWaitingLine, type WaitingLine } from '../../domain/waiting-line.ts'
import type { PermitOutcome, Permits } from '../../ports/permits.ts'
import type { PermitSessionClient } from './lane-permits.ts'

type Served = Exclude<PermitOutcome, { status: 'denied' }>

export interface WaitingPermits extends Omit<Permits, 'expired'> {
  /** Lets go of the lines in which nobody waits and nobody is to be remembered. */
  releaseIdle(): void
}

/**
 * Permits that can be waited for, in one line for each connection. Where nobody waits, a request that does not wait either
 * passes by at no cost.
 */
export function waitingPermits(permits: PermitSessionClient, maxWaiting: number): WaitingPermits {
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

  const releaseIfIdle = (connectionId: string): void => {
    const entry = lines.get(connectionId)
    if (entry?.users === 0 && entry.line.isIdle()) lines.delete(connectionId)
  }

  return {
    acquire: async ({ connectionId, apiKeyId: owner, ...request }, { maxWaitMs, gone }) => {
      if (maxWaitMs === 0 && !lines.has(connectionId)) return permits.acquire(connectionId, request)
      const entry = lineOf(connectionId)
      entry.users++
      const outcome = await entry.line.join({ owner, ...request, maxWaitMs, gone: gone() })
      entry.users--
      releaseIfIdle(connectionId)
      return outcome
    },
    unreserved: permits.unreserved,
    releaseIdle: () => {
      for (const connectionId of lines.keys()) releaseIfIdle(connectionId)
    },
  }
}
