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
import type { BusLink } from './bus-link.ts'

/**
 * Requests to the services that know a connection's capacity, discovered limits and usage. Every method throws
 * SluiceError `unavailable` when the other service does not reply.
 */
export type OtherServices = ReturnType<typeof createOtherServices>

export function createOtherServices(link: Pick<BusLink, 'connected'>) {
  return {
    capacity: async (connectionId: string): Promise<CapacityStatus> =>
      request(link.connected(), capacityStatus, [connectionId], {}),

    discovered: async (connectionId: string): Promise<DiscoveredLimit[]> =>
      (await request(link.connected(), listDiscovered, [], { connectionId })).items,

    /** Reads the limits from the provider. @throws SluiceError also as `refreshDiscovered` says */
    refreshDiscovered: async (connectionId: string): Promise<ReplyOf<typeof refreshDiscovered>> =>
      request(link.connected(), refreshDiscovered, [], { connectionId }),

    usage: async (query: RequestOf<typeof usageQuery>): Promise<ReplyOf<typeof usageQuery>> =>
      request(link.connected(), usageQuery, [], query),
  }
}
