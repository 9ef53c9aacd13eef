import type { CoolDown, Cost, Denied, WindowFigures } from '@sluice/contracts'

/** What asking for a permit came to. */
export type PermitOutcome =
  | { readonly status: 'granted'; readonly permit: Permit; readonly windows: readonly WindowFigures[] }
  | { readonly status: 'denied'; readonly denied: Denied; readonly windows: readonly WindowFigures[] }
  /** No capacity instance answered in time: the connection's `onCapacityUnavailable` decides. */
  | { readonly status: 'unavailable' }

/** The right to send one request upstream, which has been charged with what was reserved for it. */
export interface Permit {
  /**
   * Says what the request really used. Call it once, when the request has ended, however it ended; the first call counts.
   * Costs no time: it travels with the connection's next exchange.
   */
  settle(actual: Cost, cooldown?: CoolDown): void
}

/** Permits of every connection, kept by the capacity service. */
export interface Permits {
  /** Asks for a permit for a request to `model` that reserves `tokens`. Never rejects. */
  acquire(connectionId: string, model: string, tokens: number): Promise<PermitOutcome>
  /**
   * A permit for a request that is let through while no capacity instance answers: nothing is reserved, and what it used is
   * charged when capacity is back.
   */
  unreserved(connectionId: string): Permit
}
