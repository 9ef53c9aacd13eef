import type { CoolDown, Cost, WindowState } from '@sluice/contracts'
import type { PermitDenial } from '../domain/permit-denial.ts'
import type { ReservedTokens } from '../domain/reservation.ts'
import type { Clock } from './clock.ts'

/** What asking for a permit came to. */
export type PermitOutcome =
  | { readonly status: 'granted'; readonly permit: Permit; readonly windows: readonly WindowState[] }
  | PermitDenial
  /** No capacity instance answered in time: the connection's `onCapacityUnavailable` decides. */
  | {
      readonly status: 'unavailable'
      /** What keeps capacity from deciding, in words fit for an operator, where it said so. */
      readonly reason?: string
    }

/** The right to send one request upstream, which has been charged with what was reserved for it. */
export interface Permit {
  /**
   * The request must begin to leave by then, by {@link Clock.elapsedMs}; later, it could reach the provider when its charge counts no
   * more. Infinity for one that is unreserved.
   */
  readonly departByMs: number
  /** Moves the charge to now, for an upload that is still running. False where capacity cannot be asked; never rejects. */
  renew(): Promise<boolean>
  /** Charges the same cost once more, as soon as capacity can be asked. */
  chargeAgain(): void
  /**
   * Says that the provider has begun a response of 2xx, which ends a pause that the permit was to try out, and shows that the model's name
   * is none that somebody made up. Sends nothing where it was to try nothing.
   */
  served(): void
  /**
   * Says what the request really used. Call it once, when the request has ended, however it ended; the first call counts.
   * Costs no time: it travels with the connection's next exchange.
   * @param limited what the provider counted against its own limits; absent: what was expected of it, or nothing where nothing was used
   */
  settle(actual: Cost, cooldown?: CoolDown, limited?: Cost): void
}

/** What a request takes of its connection's capacity. */
export interface Reservation extends ReservedTokens {
  readonly model: string
  /** Which part of the model's requests it belongs to, where the provider has limits of its own for that; '' for the common one. */
  readonly pool: string
}

/** What a permit is asked for. */
export interface PermitRequest extends Reservation {
  readonly connectionId: string
  /** Keys that ask for more than there is take turns. */
  readonly apiKeyId: string
}

/** For how long a request waits for its permit. */
export interface Wait {
  /** 0: not at all. */
  readonly maxWaitMs: number
  /** Aborted when the one who asks goes away, which gives up its place. Only asked for where there is something to wait for. */
  readonly gone: () => AbortSignal
}

/** Permits of every connection, kept by the capacity service. */
export interface Permits {
  /**
   * Asks for a permit. Where it is denied, waits for it as `wait` says: API keys take turns, and of one key it is first come first
   * served. `left` when the one who asked went away meanwhile. Never rejects.
   */
  acquire(request: PermitRequest, wait: Wait): Promise<PermitOutcome | { readonly status: 'left' }>
  /**
   * A permit for a request that is let through while no capacity instance answers: nothing is reserved, and what it used is
   * charged when capacity is back.
   */
  unreserved(connectionId: string, model: string): Permit
  /** Counts a permit that was too old by the time its request could leave. */
  expired(connectionId: string): void
}
