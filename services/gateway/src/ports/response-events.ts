import type { ProviderId, ResponseEvent } from '@sluice/contracts'

/** Where it is told how each request ended. */
export interface ResponseEvents {
  /** Takes an event, to be published soon after. Costs no time, and never throws. */
  record(connectionId: string, provider: ProviderId, event: ResponseEvent): void
}
