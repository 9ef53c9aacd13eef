import type { PartialUsage } from '@sluice/providers'
import type { BackgroundCharge, Beyond } from '../domain/background-charge.ts'

/**
 * What was charged for responses that providers make in the background, shared by all gateways: what such a response really used is reported
 * later, as often as anybody asks, to whichever gateway.
 */
export interface BackgroundResponses {
  /** Keeps what was charged for a response that has begun. Costs no time, and never throws. */
  remember(connectionId: string, responseId: string, charge: BackgroundCharge): void
  /**
   * Returns what a response has used beyond all that was charged and recorded for it so far, and takes it as charged and recorded: no other
   * call gets it, whatever gateway it comes from. Undefined where there is nothing, the response is not known, or that cannot be told within
   * seconds. Never rejects.
   */
  report(connectionId: string, responseId: string, usage: PartialUsage): Promise<Beyond | undefined>
}
