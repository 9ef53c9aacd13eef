import {
  type Acquire,
  type CoolDown,
  type Cost,
  costOf,
  NO_COST,
  type Settlement,
  type Trial,
  type WindowState,
} from '@sluice/contracts'
import type { CountedCost, ReservedTokens } from './counted-cost.ts'
import type { PermitDenial } from './denial.ts'
import type { PermitSession } from './permit-session.ts'

/** Leave to send one request upstream. Its reserved cost is charged already. */
export interface Permit {
  /**
   * The latest time at which the request may depart, in monotonic milliseconds. A later request could reach the provider when its charge
   * has left the window. Infinity for a permit without a reservation.
   */
  readonly departByMs: number
  /** Moves the charge to now, for an upload that still runs. Resolves with false if capacity is unavailable; never rejects. */
  renew(): Promise<boolean>
  /** Charges the same cost a second time, as soon as capacity is available. */
  chargeAgain(): void
  /**
   * Notes that the provider has begun a 2xx response. The model exists then, and if the permit was a trial during a cool-down, the cool-down
   * ends. Sends nothing for a permit that is not a trial.
   */
  markServed(): void
  /**
   * Replaces the reserved cost with the actual one. Call it once the request has ended, however it ended; only the first call counts.
   * Returns at once: the settlement travels with the connection's next permit batch.
   * @param limited the provider's count against its own limits; if absent, the expected count, or nothing for a request that used nothing
   */
  settle(actual: Cost, coolDown?: CoolDown, limited?: Cost): void
}

/** The charge of a permit, and its time. */
export interface Charge {
  chargedAtMs: number
  readonly reserved: CountedCost
  readonly pool: Pick<Acquire, 'model' | 'pool'>
  /** When the permit was granted as a trial during a cool-down; undefined if it is not a trial. */
  readonly trialAtMs: number | undefined
  /** Whether the settlement must name the model. */
  readonly byModel: boolean
  readonly departByMs: number
}

/**
 * Creates the permit for a charge.
 * @param session returns the connection's permit session, which may be another one by the time the permit is settled
 * @param servedModels the models of the connection that the provider has served; the permit adds its own
 */
export function createPermit(session: () => PermitSession, servedModels: Set<string>, charge: Charge): Permit {
  const { pool, byModel, departByMs } = charge
  const { limited } = charge.reserved
  const reserved: Cost = limited === undefined ? charge.reserved : costOf(charge.reserved)
  const { model } = pool
  let isSettled = false
  let trialAtMs = charge.trialAtMs
  const endedTrial = (grantedAtMs: number, outcome: Trial['outcome']): { readonly trial: Trial } => {
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
    markServed: () => {
      if (servedModels.size < MAX_SERVED_MODELS) servedModels.add(model)
      if (trialAtMs === undefined) return
      session().settle({ chargedAtMs: 0, reserved: NO_COST, actual: NO_COST, ...endedTrial(trialAtMs, 'served') })
    },
    settle: (actual, coolDown, counted) => {
      if (isSettled) return
      isSettled = true
      session().settle({
        chargedAtMs: charge.chargedAtMs,
        reserved,
        actual,
        ...((limited ?? counted) === undefined ? {} : limitedSettlement(charge.reserved, actual, counted)),
        ...(coolDown === undefined
          ? {}
          : { coolDown: servedModels.has(model) ? { ...coolDown, isServed: true } : coolDown }),
        ...(trialAtMs !== undefined && actual.requests === 0 ? endedTrial(trialAtMs, 'unsent') : {}),
        ...(byModel ? { model } : {}),
      })
    },
  }
}

/** @param counted the provider's count; undefined if unknown */
function limitedSettlement(
  { limited, ...reserved }: CountedCost,
  actual: Cost,
  counted: Cost | undefined,
): Pick<Settlement, 'limited'> {
  const isUnused = actual.requests === 0 || actual.tokens === 0
  return { limited: { reserved: limited ?? reserved, actual: counted ?? (isUnused ? actual : (limited ?? actual)) } }
}

/** Bounds the memory; no provider has as many models. */
const MAX_SERVED_MODELS = 1_000

/** Acquires permits from the capacity service, for every connection. */
export interface Permits {
  /**
   * Acquires a permit, waiting as long as `wait` allows if it is denied: API keys take turns, and requests of the same key are served first
   * come, first served. Resolves with `disconnected` if the client disconnected meanwhile. Never rejects.
   */
  acquire(request: PermitRequest, wait: Wait): Promise<PermitOutcome | { readonly status: 'disconnected' }>
  /** Returns a permit without a reservation, to fail open while capacity is unavailable. What the request uses is charged later. */
  failOpen(connectionId: string, model: string): Permit
  /** Counts a permit that expired before its request could depart. */
  countExpired(connectionId: string): void
}

/** A request that needs a permit. */
export interface PermitRequest extends Reservation {
  readonly connectionId: string
  /** API keys take turns when there is not enough capacity for all. */
  readonly apiKeyId: string
}

/** The part of its connection's capacity that a request reserves. */
export interface Reservation extends ReservedTokens {
  readonly model: string
  /** The pool of the model's requests that share a provider limit; '' for the common one. */
  readonly pool: string
}

/** How long a request waits for its permit. */
export interface Wait {
  /** 0: the request does not wait. */
  readonly maxWaitMs: number
  /** Returns a signal that aborts when the client disconnects, which gives up the request's place. Called only if there is a line. */
  readonly disconnected: () => AbortSignal
}

/** The result of an acquire. */
export type PermitOutcome =
  | { readonly status: 'granted'; readonly permit: Permit; readonly windows: readonly WindowState[] }
  | PermitDenial
  /** No capacity instance replied in time: the connection's `onCapacityUnavailable` decides. */
  | {
      readonly status: 'unavailable'
      /** Why capacity cannot decide, in words for an operator, if it said so. */
      readonly reason?: string
    }
