import {
  type Acquire,
  type Cost,
  costOf,
  MAX_COUNT,
  METRICS,
  NO_COST,
  type Settlement,
  type Trial,
} from '@sluice/contracts'
import type { Permit, PermitOutcome, Permits, Reservation } from '../ports.ts'
import type { PermitDenial } from './denial.ts'
import type { SendPermitBatch } from './permit-batch-sender.ts'
import { createPermitSession, type PermitSession } from './permit-session.ts'
import { type CountedCost, countedCost } from './reservation.ts'

export interface PermitSessionClientOptions {
  /** This process's identity, unique to its life. */
  readonly gateway: string
  readonly send: SendPermitBatch
  /** The newest reading of the counters' clock, Unix milliseconds; 0 where there is none. */
  readonly countersClockMs: () => number
  /** Called when permits of a connection came back too old to be used, by how much. */
  readonly onTooOld: (connectionId: string, permits: number, lateMs: number) => void
  /** Called when an exchange of a connection came too late to be applied. */
  readonly onStale: (connectionId: string) => void
}

/** Permits as capacity grants them at once. */
export interface PermitSessionClient extends Pick<Permits, 'unreserved'> {
  acquire(connectionId: string, request: Reservation): Promise<PermitOutcome>
  /**
   * Asks when as much as `cost`, that of the request and of others, could be granted at once; nothing is charged. Undefined where it could
   * be now, or where that cannot be told.
   */
  probe(connectionId: string, request: Reservation, cost: CountedCost): Promise<PermitDenial | undefined>
  /** Lets go of the lanes that were not used since the last call. */
  releaseIdle(): void
  /** Resolves when all settlements are taken, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>
}

/** Permits over lanes, one for each connection in use. */
export function createPermitSessionClient({
  gateway,
  send,
  countersClockMs,
  onTooOld,
  onStale,
}: PermitSessionClientOptions): PermitSessionClient {
  const sessions = new Map<string, PermitSession>()
  /** Of each connection with a lane, the models that the provider has served. */
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
        countersClockMs,
        onTooOld: (permits, lateMs) => onTooOld(connectionId, permits, lateMs),
        onStale: () => onStale(connectionId),
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
    return permitOf(() => sessionOf(connectionId), models, charge)
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
    unreserved: (connectionId, model) =>
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

interface Charge {
  chargedAtMs: number
  readonly reserved: CountedCost
  readonly pool: Pick<Acquire, 'model' | 'pool'>
  /** When it was granted to find out whether the provider serves its pool again; undefined: it was not for that. */
  readonly trialAtMs: number | undefined
  /** Whether its settlement is to name the model. */
  readonly byModel: boolean
  readonly departByMs: number
}

/** As an acquire has it. */
function poolOf({ model, pool }: Reservation): Pick<Acquire, 'model' | 'pool'> {
  return pool === '' ? { model } : { model, pool }
}

/** @param servedModels those of its connection that the provider has served; it adds its own */
function permitOf(session: () => PermitSession, servedModels: Set<string>, charge: Charge): Permit {
  const { pool, byModel, departByMs } = charge
  const { limited } = charge.reserved
  const reserved: Cost = limited === undefined ? charge.reserved : costOf(charge.reserved)
  const { model } = pool
  let isSettled = false
  let trialAtMs = charge.trialAtMs
  const trialEnded = (grantedAtMs: number, outcome: Trial['outcome']): { readonly trial: Trial } => {
    trialAtMs = undefined
    return { trial: { ...pool, tokens: reserved.tokens, grantedAtMs, outcome } }
  }
  return {
    departByMs,
    renew: async () => {
      if (departByMs === Number.POSITIVE_INFINITY) return true
      const outcome = await session().acquire({ ...pool, ...charge.reserved, renews: charge.chargedAtMs })
      if (outcome.status === 'unavailable' || outcome.result.status !== 'granted') return false
      charge.chargedAtMs = outcome.result.chargedAtMs
      return true
    },
    chargeAgain: () =>
      session().settle({
        chargedAtMs: 0,
        reserved: NO_COST,
        actual: reserved,
        ...(limited === undefined ? {} : { limited: { reserved: NO_COST, actual: limited } }),
        ...(byModel ? { model } : {}),
      }),
    served: () => {
      if (servedModels.size < MAX_SERVED_MODELS) servedModels.add(model)
      if (trialAtMs === undefined) return
      session().settle({ chargedAtMs: 0, reserved: NO_COST, actual: NO_COST, ...trialEnded(trialAtMs, 'served') })
    },
    settle: (actual, cooldown, counted) => {
      if (isSettled) return
      isSettled = true
      session().settle({
        chargedAtMs: charge.chargedAtMs,
        reserved,
        actual,
        ...((limited ?? counted) === undefined ? {} : limitedSettlement(charge.reserved, actual, counted)),
        ...(cooldown === undefined
          ? {}
          : { cooldown: servedModels.has(model) ? { ...cooldown, isServed: true } : cooldown }),
        ...(trialAtMs !== undefined && actual.requests === 0 ? trialEnded(trialAtMs, 'unsent') : {}),
        ...(byModel ? { model } : {}),
      })
    },
  }
}

/** @param counted by the provider, where that is known */
function limitedSettlement(
  { limited, ...reserved }: CountedCost,
  actual: Cost,
  counted: Cost | undefined,
): Pick<Settlement, 'limited'> {
  const isUnused = actual.requests === 0 || actual.tokens === 0
  return { limited: { reserved: limited ?? reserved, actual: counted ?? (isUnused ? actual : (limited ?? actual)) } }
}

function bounded(cost: Cost): Cost {
  const within = costOf(cost)
  for (const metric of METRICS) if (within[metric] !== undefined) within[metric] = Math.min(within[metric], MAX_COUNT)
  return within
}

/** More than a provider has. Bounds the memory. */
const MAX_SERVED_MODELS = 1_000
