import type {
  ApiKeyView,
  CapacityStatus,
  ConnectionView,
  CreatedApiKey,
  DiscoveredLimit,
  UsagePoint,
} from '@sluice/contracts'
import { type AdminClient, gatewayKnows, until } from '../client.ts'
import { capacityReport, discoveredReport, requestsReport, usageReport } from './report.ts'
import { type RequestOutcome, runRequests } from './requests.ts'

export const DEMO_NAME = 'demo'
const DEMO_REQUESTS_PER_MINUTE = 5
const DEMO_REQUESTS = 8

export interface DemoParts {
  readonly admin: AdminClient
  readonly gatewayUrl: string
  readonly upstream: { readonly baseUrl: string; readonly apiKey: string }
  readonly print: (text: string) => void
}

/** Shows the path of requests through Sluice, and returns whether the expected number was admitted and denied. */
export async function runDemo({ admin, gatewayUrl, upstream, print }: DemoParts): Promise<boolean> {
  const { connectionId, apiKey } = await prepareDemo(admin, upstream)
  await until('the gateway’s update of its connections', () => gatewayKnows(gatewayUrl, DEMO_NAME, apiKey), Boolean)

  print(`${DEMO_REQUESTS} requests through the official SDK, at ${DEMO_REQUESTS_PER_MINUTE} requests a minute:\n`)
  const outcomes = await runRequests({ gatewayUrl, connectionName: DEMO_NAME, apiKey, count: DEMO_REQUESTS })
  print(requestsReport(outcomes))

  print('\nCapacity, as the capacity service counts it:\n')
  print(capacityReport(await admin.get<CapacityStatus>(`/connections/${connectionId}/capacity`)))

  print('\nThe provider’s own limits, as its responses reported them:\n')
  const limits = await until(
    'discovery',
    () => admin.get<{ items: DiscoveredLimit[] }>(`/connections/${connectionId}/discovered-capacity`),
    ({ items }) => items.length > 0,
  )
  print(discoveredReport(limits.items))

  print('\nUsage, as the usage service stored it:\n')
  const soon = new Date(Date.now() + 60_000).toISOString()
  const usage = await until(
    'the usage of all requests',
    () => admin.get<{ points: UsagePoint[] }>(`/connections/${connectionId}/usage?to=${soon}`),
    ({ points }) => points.reduce((sum, { requests }) => sum + requests, 0) === DEMO_REQUESTS,
  )
  print(usageReport(usage.points))
  return isAsExpected(outcomes)
}

/** Recreates the demo's connection and API key, so that every run begins with unused capacity. */
async function prepareDemo(
  admin: AdminClient,
  upstream: DemoParts['upstream'],
): Promise<{ connectionId: string; apiKey: string }> {
  await removeEarlier(admin)
  const connection = await admin.post<ConnectionView>('/connections', {
    name: DEMO_NAME,
    description: 'The provider simulator, at five requests per minute',
    provider: 'openai',
    config: { apiKey: upstream.apiKey, baseUrl: upstream.baseUrl },
    capacity: [{ period: 'minute', requests: DEMO_REQUESTS_PER_MINUTE, tokens: 100_000 }],
  })
  const { key } = await admin.post<CreatedApiKey>('/api-keys', { name: DEMO_NAME, connections: [connection.id] })
  return { connectionId: connection.id, apiKey: key }
}

async function removeEarlier(admin: AdminClient): Promise<void> {
  const connections = await admin.get<{ items: ConnectionView[] }>(`/connections?search=${DEMO_NAME}`)
  for (const { id, name } of connections.items) if (name === DEMO_NAME) await admin.delete(`/connections/${id}`)
  const keys = await admin.get<{ items: ApiKeyView[] }>('/api-keys')
  for (const { id, name } of keys.items) if (name === DEMO_NAME) await admin.delete(`/api-keys/${id}`)
}

function isAsExpected(outcomes: readonly RequestOutcome[]): boolean {
  const count = (wanted: RequestOutcome['outcome']) => outcomes.filter(({ outcome }) => outcome === wanted).length
  return count('admitted') === DEMO_REQUESTS_PER_MINUTE && count('denied') === DEMO_REQUESTS - DEMO_REQUESTS_PER_MINUTE
}
