import {
  type CapacityStatus,
  capacityStatus,
  type DiscoveredLimit,
  listDiscovered,
  type ReplyOf,
  type RequestOf,
  refreshDiscovered,
  usageQuery,
} from '@sluice/contracts'
import { request } from '@sluice/messaging'
import type { BusLink } from '../bus/bus-link.ts'

/** What other services know of a connection. Every method throws SluiceError `unavailable` when the one to ask is not there. */
export interface Insights {
  capacity(connectionId: string): Promise<CapacityStatus>
  discovered(connectionId: string): Promise<readonly DiscoveredLimit[]>
  /** Has the provider asked for its limits. @throws SluiceError besides, as `refreshDiscovered` says */
  refreshDiscovered(connectionId: string): Promise<ReplyOf<typeof refreshDiscovered>>
  usage(query: RequestOf<typeof usageQuery>): Promise<ReplyOf<typeof usageQuery>>
}

export function createInsights(link: Pick<BusLink, 'connected'>): Insights {
  return {
    capacity: async (connectionId) => request(link.connected(), capacityStatus, [connectionId], {}),
    discovered: async (connectionId) => (await request(link.connected(), listDiscovered, [], { connectionId })).items,
    refreshDiscovered: async (connectionId) => request(link.connected(), refreshDiscovered, [], { connectionId }),
    usage: async (query) => request(link.connected(), usageQuery, [], query),
  }
}
