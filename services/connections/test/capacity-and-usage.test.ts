import {
  type CapacityStatus,
  capacityStatus,
  listDiscovered,
  type RequestOf,
  SluiceError,
  type UsagePoint,
  usageQuery,
} from '@sluice/contracts'
import { type Bus, connectBus, serve } from '@sluice/messaging'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections
let bus: Bus
let path: string
let connectionId: string
const POINT: UsagePoint = {
  fromMs: Date.UTC(2026, 0, 1),
  group: 'gpt-4o',
  requests: 3,
  inputTokens: 10,
  outputTokens: 5,
  cachedInputTokens: 2,
  cacheWriteInputTokens: 1,
  reasoningTokens: 1,
  unreadRequests: 1,
  outcomes: { success: 1, denied: 2 },
  deniedBy: { 'minute-requests': 2 },
  latencyMs: { p50: 1_000.5, p90: 2_000, p95: 3_000, p99: 4_000 },
  timeToFirstTokenMs: { p50: 100, p90: 200, p95: 300, p99: 400 },
  estimatedCostUsd: 0.000125,
  unpricedTokens: 7,
}
const queries: RequestOf<typeof usageQuery>[] = []

beforeAll(async () => {
  connections = await standaloneConnections()
  bus = await connectBus({ servers: connections.nats.url, name: 'test' })
  connectionId = (await connections.call('POST', '/api/v1/connections', openAiConnection)).body.id
  path = `/api/v1/connections/${connectionId}`
  const options = { onFault: () => undefined }
  serve(bus, capacityStatus, (_, [id = '']) => statusOf(id), options)
  serve(
    bus,
    listDiscovered,
    () => {
      throw new SluiceError('unavailable', 'not now')
    },
    options,
  )
  serve(
    bus,
    usageQuery,
    (query) => {
      queries.push(query)
      return { stepMs: query.stepMs, points: [POINT] }
    },
    options,
  )
  await bus.connection.flush()
})
afterAll(async () => {
  await bus.close()
  await connections.stop()
})

it('returns the reply of the capacity service', async () => {
  const response = await connections.call('GET', `${path}/capacity`)
  expect(response.body).toEqual(statusOf(connectionId))
})

it('reports that another service is unavailable', async () => {
  const response = await connections.call('GET', `${path}/discovered-capacity`)
  expect(response).toMatchObject({ status: 503, body: { code: 'unavailable', detail: 'not now' } })
})

it('queries the usage service for a range', async () => {
  const query = 'from=2026-01-01T00:00:00Z&to=2026-01-02T02:00:00%2B02:00&step=1h&groupBy=model'
  expect((await connections.call('GET', `${path}/usage?${query}`)).body).toEqual({ stepMs: 3_600_000, points: [POINT] })
  expect(queries.at(-1)).toEqual({
    connectionId,
    fromMs: Date.UTC(2026, 0, 1),
    toMs: Date.UTC(2026, 0, 2),
    stepMs: 3_600_000,
    groupBy: 'model',
  })
})

it('queries the last hour by the minute by default', async () => {
  const beforeMs = Date.now()
  await connections.call('GET', `${path}/usage`)
  const { fromMs, toMs, stepMs } = queries.at(-1) ?? { fromMs: 0, toMs: 0, stepMs: 0 }
  expect(toMs).toBeGreaterThanOrEqual(beforeMs)
  expect(toMs - fromMs).toBe(3_600_000)
  expect(stepMs).toBe(60_000)
})

it('refuses an invalid range', async () => {
  const response = await connections.call('GET', `${path}/usage?from=yesterday&step=5s&groupBy=colour`)
  expect(response.status).toBe(400)
  expect(response.body.errors.map(({ field }: { field: string }) => field)).toEqual(['groupBy'])
  const range = await connections.call('GET', `${path}/usage?from=yesterday&step=5s`)
  expect(range.body.errors.map(({ field }: { field: string }) => field)).toEqual(['from', 'step'])
})

it('sends no service a request about an unknown connection', async () => {
  const before = queries.length
  const unknown = '/api/v1/connections/0199a7c2-4d0e-7c3e-9d5f-0f6d6b0a1b2c'
  for (const what of ['capacity', 'discovered-capacity', 'usage']) {
    expect((await connections.call('GET', `${unknown}/${what}`)).status).toBe(404)
  }
  expect(queries.length).toBe(before)
})

function statusOf(id: string): CapacityStatus {
  return { connectionId: id, windows: [], coolDowns: [] }
}
