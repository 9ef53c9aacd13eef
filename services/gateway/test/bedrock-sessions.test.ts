import { ConverseCommand, ServiceUnavailableException } from '@aws-sdk/client-bedrock-runtime'
import { capacityStatus } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { postJson } from './support/send-request.ts'
import { type BedrockConnection, MASTER_SECRET, startBedrockPath } from './support/start-bedrock-path.ts'
import { startBeforeAll } from './support/start-before-all.ts'

const MODEL = 'amazon.nova-lite-v1:0'
const REQUEST = { modelId: MODEL, messages: [{ role: 'user' as const, content: [{ text: 'Hello!' }] }] }

const path = startBeforeAll(startBedrockPath)

beforeEach(() => path.role())
afterEach(() => {
  path.simulator.controls.clear()
  path.simulator.requests.clear()
  path.aws.controls.clear()
  path.aws.requests.clear()
})

const converse = (connection: BedrockConnection) => connection.sdk().send(new ConverseCommand(REQUEST))
const raw = (connection: BedrockConnection) =>
  postJson(`${connection.endpoint}/model/${encodeURIComponent(MODEL)}/converse`, path.apiKey, REQUEST)

it('is one for all requests of a connection, and named after it', async () => {
  const connection = await path.connection({ name: 'prod' })
  await Promise.all(Array.from({ length: 20 }, () => converse(connection)))
  expect(path.stsRequests()).toBe(1)
  expect(path.aws.requests.list('sts')[0]?.body).toContain('RoleSessionName=sluice-prod')
})

it('is not shared with a connection to the same role that has another external id', async () => {
  const rightful = await path.connection()
  await converse(rightful)
  const other = await path.connection({ role: { externalId: 'external-of-another' } })
  await expect(converse(other)).rejects.toBeInstanceOf(ServiceUnavailableException)
  await converse(rightful)
})

it('that is unavailable is reported without the reason, and the permit is refunded', async () => {
  const connection = await path.connection({
    role: { externalId: 'external-canary' },
    capacity: [{ period: 'hour', requests: 10, tokens: 10_000 }],
  })
  const response = await raw(connection)
  expect(response).toMatchObject({ status: 503, headers: { 'retry-after': '1', 'x-sluice-source': 'gateway' } })
  expect(response.headers['x-amzn-errortype']).toBe('ServiceUnavailableException')
  for (const secret of ['external-canary', ':role/', MASTER_SECRET, 'AKIAGATEWAY']) {
    expect(response.body.toString()).not.toContain(secret)
  }
  expect(path.gateway.logs()).toContain('is not authorized to perform: sts:AssumeRole')
  await eventually(async () => {
    const { windows } = await request(path.gateway.bus, capacityStatus, [connection.settings.id], {})
    expect(windows.map(({ used }) => used)).toEqual([0, 0])
  })
})

it('is requested again after an outage of STS, but not by every request meanwhile', async () => {
  const connection = await path.connection()
  path.aws.controls.add({ fault: { kind: 'status', status: 503 } })
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await raw(connection)).status))
  expect(new Set(statuses)).toEqual(new Set([503]))
  // One attempt, and the SDK's own repetition of it.
  expect(path.stsRequests()).toBe(2)
  path.aws.controls.clear()
  await eventually(async () => expect((await raw(connection)).status).toBe(200))
})

it('is renewed before it expires, without a failed request', async () => {
  path.role(2)
  const connection = await path.connection()
  const endMs = performance.now() + 2_700
  while (performance.now() < endMs) await converse(connection)
  expect(path.stsRequests()).toBeGreaterThanOrEqual(2)
  expect(path.stsRequests()).toBeLessThanOrEqual(3)
})

it('is waited for before the permit, which is valid for a moment only', async () => {
  const connection = await path.connection({ capacity: [{ period: 'hour', requests: 10 }] })
  path.aws.controls.add({ times: 1, latencyMs: 700 })
  const response = converse(connection)
  await eventually(() => expect(path.stsRequests()).toBe(1))
  const { windows } = await request(path.gateway.bus, capacityStatus, [connection.settings.id], {})
  expect(windows.map(({ used }) => used)).toEqual([0])
  await response
})

it('changes with the connection’s role, and with nothing else', async () => {
  const { settings, ...connection } = await path.connection({ role: { externalId: 'external-wrong' } })
  await expect(converse({ settings, ...connection })).rejects.toBeInstanceOf(ServiceUnavailableException)
  const config = { ...settings.config, externalId: 'external-1' }
  await path.gateway.connections.put(settings.id, { ...settings, config, version: 2 })
  await eventually(() => converse({ settings, ...connection }))
  const requestsMade = path.stsRequests()
  await path.gateway.connections.put(settings.id, { ...settings, config, allowedModels: ['none'], version: 3 })
  await eventually(async () => expect((await raw({ settings, ...connection })).status).toBe(403))
  await path.gateway.connections.put(settings.id, { ...settings, config, version: 4 })
  await eventually(() => converse({ settings, ...connection }))
  expect(path.stsRequests()).toBe(requestsMade)
})

it('discloses none of its secrets', async () => {
  const connection = await path.connection()
  await converse(connection)
  const signed = path.simulator.requests.list().at(-1)?.content?.headers
  const token = String(signed?.['x-amz-security-token'])
  expect(token).toMatch(/^FwoG/)
  const fault = {
    kind: 'status' as const,
    status: 403,
    message: `The canonical string is x-amz-security-token:${token}`,
  }
  path.simulator.controls.add({ times: 1, fault })
  const response = await raw(connection)
  expect(response.status).toBe(403)
  expect(response.body.toString()).toContain('x-amz-security-token:[redacted]')
  const written = path.gateway.logs() + JSON.stringify(path.gateway.events)
  for (const secret of [token, MASTER_SECRET, path.apiKey]) expect(written).not.toContain(secret)
})
