import { type Acquire, type Cost, costOf, MAX_COUNT, METRICS, NO_COST } from '@sluice/contracts'
import { type CountedCost, countedCost } from './counted-cost.ts'
import type { PermitDenial } from './denial.ts'
import { type Charge, createPermit, type Permit, type PermitOutcome, type Permits, type Reservation } from './permit.ts'
import type { SendPermitBatch } from './permit-batch-sender.ts'
import { createPermitSession, type PermitSession } from './permit-session.ts'

export interface PermitSessionClientOptions {
  /** Identifies this process for as long as it lives. */
  readonly gateway: string
  readonly send: SendPermitBatch
  /** Returns the least that capacity's clock shows now, in Unix milliseconds; 0 if it is unknown. */
  readonly capacityClockMs: () => number
  /** Called when permits of a connection came back `lateMs` too late to be used. */
  readonly onLatePermits: (connectionId: string, permits: number, lateMs: number) => void
  /** Called when a permit batch of a connection arrived too late to be applied. */
  readonly onStaleBatch: (connectionId: string) => void
}

/** Acquires permits without waiting for capacity to become free. */
export interface PermitSessionClient extends Pick<Permits, 'failOpen'> {
  acquire(connectionId: string, request: Reservation): Promise<PermitOutcome>
  /**
   * Returns the denial that says when `cost`, of the request and of those ahead of it, could be granted together; nothing is charged.
   * Undefined if that is now, or unknown.
   */
  probe(connectionId: string, request: Reservation, cost: CountedCost): Promise<PermitDenial | undefined>
  /** Releases the permit sessions that were not used since the last call. */
  releaseIdle(): void
  /** Resolves when all settlements are applied, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>
}

/** Acquires permits through permit sessions, one for each connection in use. */
export function createPermitSessionClient({
  gateway,
  send,
  capacityClockMs,
  onLatePermits,
  onStaleBatch,
}: PermitSessionClientOptions): PermitSessionClient {
  const sessions = new Map<string, PermitSession>()
  /** For each connection with a session, the models that the provider has served. */
  const served = new Map<string, Set<string>>()
  let used = new Set<string>()
  let lives = 0

  const sessionOf = (connectionId: string): PermitSession => {
    used.add(connectionId)
    let session = sessions.get(connectionId)
    if (session === undefined) {
      session = createPermitSession({
        newIdentity: () => `${gateway}.${++lives}`,
        send: (permitBatch, timeoutMs) => send(connectionId, permitBatch, timeoutMs),
        capacityClockMs,
        onLatePermits: (permits, lateMs) => onLatePermits(connectionId, permits, lateMs),
        onStaleBatch: () => onStaleBatch(connectionId),
        nowMs: () => performance.now(),
        sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
      })
      sessions.set(connectionId, session)
    }
    return session
  }

  const permitFor = (connectionId: string, charge: Charge): Permit => {
    let models = served.get(connectionId)
    if (models === undefined) {
      models = new Set()
      served.set(connectionId, models)
    }
    return createPermit(() => sessionOf(connectionId), models, charge)
  }

  return {
    acquire: async (connectionId, request) => {
      const reserved = countedCost(request)
      const outcome = await sessionOf(connectionId).acquire({ ...poolOf(request), ...reserved })
      if (outcome.status === 'unavailable') return outcome
      const { result, windows, byModel, departByMs } = outcome
      if (result.status === 'denied') return { status: 'denied', denied: result, windows }
      const { chargedAtMs, trialAtMs } = result
      const charge = { chargedAtMs, reserved, pool: poolOf(request), trialAtMs, byModel, departByMs }
      return { status: 'granted', permit: permitFor(connectionId, charge), windows }
    },
    probe: async (connectionId, request, cost) => {
      const { limited } = cost
      const outcome = await sessionOf(connectionId).acquire({
        ...poolOf(request),
        ...bounded(cost),
        ...(limited === undefined ? {} : { limited: bounded(limited) }),
        ownTokens: request.tokens,
        probe: true,
      })
      if (outcome.status === 'unavailable' || outcome.result.status === 'granted') return undefined
      return { status: 'denied', denied: outcome.result, windows: outcome.windows }
    },
    failOpen: (connectionId, model) =>
      permitFor(connectionId, {
        chargedAtMs: 0,
        reserved: NO_COST,
        pool: { model },
        trialAtMs: undefined,
        byModel: true,
        departByMs: Number.POSITIVE_INFINITY,
      }),
    releaseIdle: () => {
      for (const [connectionId, session] of sessions) {
        if (used.has(connectionId) || !session.isIdle()) continue
        sessions.delete(connectionId)
        served.delete(connectionId)
      }
      used = new Set()
    },
    flush: async (deadlineMs) => {
      const deadline = new Promise((resolve) => setTimeout(resolve, deadlineMs).unref())
      await Promise.race([Promise.all([...sessions.values()].map((session) => session.flush())), deadline])
    },
  }
}

/** Returns the model and pool in the form of an acquire, which omits the common pool. */
function poolOf({ model, pool }: Reservation): Pick<Acquire, 'model' | 'pool'> {
  return pool === '' ? { model } : { model, pool }
}

function bounded(cost: Cost): Cost {
  const within = costOf(cost)
  for (const metric of METRICS) if (within[metric] !== undefined) within[metric] = Math.min(within[metric], MAX_COUNT)
  return within
}
