import type { CapacityStatus, DiscoveredLimit, UsagePoint } from '@sluice/contracts'
import type { AdminClient } from '../admin-client.ts'
import { gatewayKnows } from '../gateway-knows.ts'
import { until } from '../until.ts'
import { DEMO_NAME, DEMO_REQUESTS_PER_MINUTE, prepareDemo } from './prepare-demo.ts'
import { capacityReport, discoveredReport, requestsReport, usageReport } from './report.ts'
import { type RequestOutcome, runRequests } from './run-requests.ts'

export const DEMO_REQUESTS = 8

export interface DemoParts {
  readonly admin: AdminClient
  readonly gatewayUrl: string
  readonly upstream: { readonly baseUrl: string; readonly apiKey: string }
  readonly print: (text: string) => void
}

/** Shows the path of requests through Sluice, and returns whether as many were admitted and denied as should be. */
export async function runDemo({ admin, gatewayUrl, upstream, print }: DemoParts): Promise<boolean> {
  const { connectionId, apiKey } = await prepareDemo(admin, upstream)
  await until('the gateway’s news of the connection', () => gatewayKnows(gatewayUrl, DEMO_NAME, apiKey), Boolean)

  print(`${DEMO_REQUESTS} requests through the official SDK, at ${DEMO_REQUESTS_PER_MINUTE} requests a minute:\n`)
  const outcomes = await runRequests(gatewayUrl, apiKey, DEMO_REQUESTS)
  print(requestsReport(outcomes))

  print('\nCapacity, as the capacity service counts it:\n')
  print(capacityReport(await admin.get<CapacityStatus>(`/connections/${connectionId}/capacity`)))

  print('\nThe provider’s own limits, as its answers told them:\n')
  const limits = await until(
    'discovery',
    () => admin.get<{ items: DiscoveredLimit[] }>(`/connections/${connectionId}/discovered-capacity`),
    ({ items }) => items.length > 0,
  )
  print(discoveredReport(limits.items))

  print('\nUsage, as it is stored:\n')
  const soon = new Date(Date.now() + 60_000).toISOString()
  const usage = await until(
    'the usage of all requests',
    () => admin.get<{ points: UsagePoint[] }>(`/connections/${connectionId}/usage?to=${soon}`),
    ({ points }) => points.reduce((sum, { requests }) => sum + requests, 0) === DEMO_REQUESTS,
  )
  print(usageReport(usage.points))
  return isAsExpected(outcomes)
}

function isAsExpected(outcomes: readonly RequestOutcome[]): boolean {
  const count = (wanted: RequestOutcome['outcome']) => outcomes.filter(({ outcome }) => outcome === wanted).length
  return count('admitted') === DEMO_REQUESTS_PER_MINUTE && count('denied') === DEMO_REQUESTS - DEMO_REQUESTS_PER_MINUTE
}
