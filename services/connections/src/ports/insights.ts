import type { CapacityStatus, DiscoveredLimit, ReplyOf, RequestOf, usageQuery } from '@sluice/contracts'

/** What other services know of a connection. Every method throws SluiceError `unavailable` when the one to ask is not there. */
export interface Insights {
  capacity(connectionId: string): Promise<CapacityStatus>
  discovered(connectionId: string): Promise<readonly DiscoveredLimit[]>
  usage(query: RequestOf<typeof usageQuery>): Promise<ReplyOf<typeof usageQuery>>
}
