import { capacityStatus, listDiscovered, refreshDiscovered, usageQuery } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import type { Insights } from '../../ports/insights.ts'
import type { BusLink } from './bus-link.ts'

export function createInsights(link: Pick<BusLink, 'connected'>): Insights {
  return {
    capacity: async (connectionId) => request(link.connected(), capacityStatus, [connectionId], {}),
    discovered: async (connectionId) => (await request(link.connected(), listDiscovered, [], { connectionId })).items,
    refreshDiscovered: async (connectionId) => request(link.connected(), refreshDiscovered, [], { connectionId }),
    usage: async (query) => request(link.connected(), usageQuery, [], query),
  }
}
