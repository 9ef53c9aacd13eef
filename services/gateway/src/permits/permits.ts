import { setTimeout as sleep } from 'node:timers/promises'
import { capacityMembers } from '@sluice/contracts'
import { type Bus, openBucket } from '@sluice/messaging'
import { counter, type Logger } from '@sluice/service-kit'
import type { PermitOutcome, Permits } from '../ports.ts'
import { watchMembers } from './live-members.ts'
import { permitBatchSender } from './permit-batch-sender.ts'
import { createPermitSessionClient, type PermitSessionClient } from './permit-session-client.ts'
import { createWaitingLine, type WaitingLine } from './waiting-line.ts'

export interface RunningPermits extends Permits {
  /** Hands in what is settled, for `deadlineMs` at most, and lets go of everything. */
  stop(deadlineMs: number): Promise<void>
}

/** Permits from the capacity service. Resolves when its live instances are known. */
export async function createPermits(
  bus: Bus,
  options: {
    /** This process's identity, unique to its life. */
    readonly gateway: string
    /** So many requests of one connection may wait at a time. */
    readonly maxWaiting: number
    readonly onFault: (error: unknown) => void
    readonly logger: Pick<Logger, 'warn'>
  },
): Promise<RunningPermits> {
  const { gateway, maxWaiting, onFault, logger } = options
  const monotonicMs = () => performance.now()
  const members = await watchMembers(await openBucket(bus, capacityMembers), monotonicMs, onFault)
  const send = permitBatchSender(bus, members, monotonicMs, onFault)
  const late = latePermits(logger, monotonicMs)
  const sessions = createPermitSessionClient({
    gateway,
    send,
    countersClockMs: members.countersClockMs,
    onTooOld: late.tooOld,
    onStale: late.stale,
  })
  const { acquire, unreserved, releaseIdle } = waitingPermits(sessions, maxWaiting)
  const releasing = setInterval(() => {
    releaseIdle()
    sessions.releaseIdle()
  }, IDLE_MS)
  return {
    acquire,
    unreserved,
    expired: late.expired,
    stop: async (deadlineMs) => {
      clearInterval(releasing)
      await sessions.flush(deadlineMs)
      members.stop()
    },
  }
}

/** A lane that nothing used in one such span is let go of in the next. */
const IDLE_MS = 60_000

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

/** Counts permits and exchanges that were too old to be used, and warns of them. */
export interface LatePermits {
  /** Some came back from capacity too late, by so much: the counters are far, or their service or NATS is slow. */
  tooOld(connectionId: string, permits: number, lateMs: number): void
  /** One was too old when its request could leave: connecting to the provider is slow, or this process is. */
  expired(connectionId: string): void
  /** An exchange was too old to be applied when it reached capacity. */
  stale(connectionId: string): void
}

/** Each is given back and asked for again, which costs latency and, where it lasts, requests. */
export function latePermits(logger: Pick<Logger, 'warn'>, monotonicMs: () => number): LatePermits {
  const late = counter(
    'permits.late',
    'Permits that were too old to be used and were given back, and exchanges too old to be applied.',
  )
  late.add(0)
  let warnAgainAtMs = 0
  let sinceWarning = 0

  const count = (permits: number, message: string, details: object): void => {
    late.add(permits)
    sinceWarning += permits
    const nowMs = monotonicMs()
    if (nowMs < warnAgainAtMs) return
    logger.warn({ permits: sinceWarning, ...details }, message)
    warnAgainAtMs = nowMs + WARNING_INTERVAL_MS
    sinceWarning = 0
  }

  return {
    tooOld: (connectionId, permits, lateMs) =>
      count(permits, 'Permits came too late to be used. NATS or the capacity service is far away or slow.', {
        connectionId,
        lateMs: Math.round(lateMs),
      }),
    expired: (connectionId) =>
      count(
        1,
        'A permit expired before its request could leave. Connecting to the provider is slow, or this process is.',
        { connectionId },
      ),
    stale: (connectionId) =>
      count(1, 'An exchange reached capacity too late to be applied. What it carried is sent again.', { connectionId }),
  }
}

const WARNING_INTERVAL_MS = 30_000
