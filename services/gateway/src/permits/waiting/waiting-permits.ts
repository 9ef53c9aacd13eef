import { setTimeout as sleep } from 'node:timers/promises'
import type { PermitOutcome, Permits } from '../permit.ts'
import type { PermitSessionClient } from '../permit-session-client.ts'
import { createWaitingLine, type WaitingLine } from './waiting-line.ts'

type Served = Exclude<PermitOutcome, { status: 'denied' }>

export interface WaitingPermits extends Omit<Permits, 'countExpired'> {
  /** Releases the waiting lines that are idle. */
  releaseIdle(): void
}

/** Puts a waiting line before each connection's permits. A request that does not wait bypasses it while no other request waits. */
export function waitingPermits(permits: PermitSessionClient, maxWaiting: number): WaitingPermits {
  const lines = new Map<string, { readonly line: WaitingLine<Served>; users: number }>()

  const lineOf = (connectionId: string) => {
    let entry = lines.get(connectionId)
    if (entry === undefined) {
      const line = createWaitingLine<Served>({
        acquire: (request) => permits.acquire(connectionId, request),
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
    acquire: async ({ connectionId, apiKeyId: owner, ...request }, { maxWaitMs, disconnected }) => {
      if (maxWaitMs === 0 && !lines.has(connectionId)) return permits.acquire(connectionId, request)
      const entry = lineOf(connectionId)
      entry.users++
      const outcome = await entry.line.join({ owner, ...request, maxWaitMs, disconnected: disconnected() })
      entry.users--
      releaseIfIdle(connectionId)
      return outcome
    },
    failOpen: permits.failOpen,
    releaseIdle: () => {
      for (const connectionId of lines.keys()) releaseIfIdle(connectionId)
    },
  }
}
