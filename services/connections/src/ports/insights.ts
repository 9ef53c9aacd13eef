import type {
  CapacityStatus,
  DiscoveredLimit,
  ReplyOf,
  RequestOf,
  refreshDiscovered,
  usageQuery,
} from '@sluice/contracts'

/** What other services know of a connection. Every method throws SluiceError `unavailable` when the one to ask is not there. */
export interface Insights {
  capacity(connectionId: string): Promise<CapacityStatus>
  discovered(connectionId: string): Promise<readonly DiscoveredLimit[]>
  /** Has the provider asked for its limits. @throws SluiceError besides, as `refreshDiscovered` says */
  refreshDiscovered(connectionId: string): Promise<ReplyOf<typeof refreshDiscovered>>
  usage(query: RequestOf<typeof usageQuery>): Promise<ReplyOf<typeof usageQuery>>
}
