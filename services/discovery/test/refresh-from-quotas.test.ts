import { type AwsSimulator, startAwsSimulator } from '@sluice/aws-simulator'
import {
  CONNECTION_DEFAULTS,
  connectionProjection,
  type DiscoveredLimit,
  discovered,
  discoveredChanged,
  discoveryStatus,
  listDiscovered,
  type ProjectedConnection,
  refreshDiscovered,
} from '@sluice/contracts'
import { type Bucket, type Bus, connectBus, openBucket, request, subscribeEvent } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, freePort, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import pg from 'pg'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { DiscoveryConfig, start } from '../src/index.ts'

const ROLE = {
  arn: 'arn:aws:iam::123456789012:role/bedrock',
  externalId: 'external-1',
  trustedCaller: { accessKeyId: 'AKIADISCOVERY', secretAccessKey: 'secret-of-discovery' },
}
const REGION = 'eu-central-1'
const LITE = 'amazon.nova-lite-v1:0'
const QUOTAS = [
  { name: 'On-demand model inference tokens per minute for Amazon Nova Lite', value: 200_000 },
  { name: 'Cross-region model inference requests per minute for Amazon Nova Lite', value: 200 },
  { name: 'Model invocation max tokens per day for Amazon Nova 9 (doubled for cross-region calls)', value: 0 },
  { name: 'On-demand model inference concurrent requests for Amazon Nova Sonic', value: 20 },
  { name: 'Batch inference job size (in GB) for Nova Lite V1', value: 100 },
]

let nats: TestNats
let database: TestDatabase
let admin: pg.Client
let bus: Bus
let connections: Bucket<ProjectedConnection>
let aws: AwsSimulator
let service: Service
let changes: unknown[]

beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', ROLE.trustedCaller.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', ROLE.trustedCaller.secretAccessKey)
  ;[nats, database] = await Promise.all([testNats(), testDatabase('discovery')])
  admin = new pg.Client({ connectionString: database.url })
  await admin.connect()
  bus = await connectBus({ servers: nats.url, name: 'discovery.test' })
  connections = await openBucket(bus, connectionProjection)
  await connections.put('c', connection({}))
  aws = await startAwsSimulator({ region: REGION })
  giveQuotas(QUOTAS)
  changes = []
  subscribeEvent(
    bus,
    discoveredChanged,
    ({ changedAtMs: _, ...change }) => changes.push(change),
    () => undefined,
  )
  service = await startDiscovery()
})
afterEach(async () => {
  await service.stop()
  await Promise.all([bus.close(), admin.end()])
  await Promise.all([nats.stop(), database.drop(), aws.stop()])
  vi.unstubAllEnvs()
})

it('learns what the account has quotas of', async () => {
  const askedAtMs = Date.now()
  expect(await refresh()).toEqual({ quotas: 3, changes: 3, unknownModels: 1, unreadable: 1 })
  const limits = await list()
  const learned = { firstSeenAtMs: expect.any(Number), lastSeenAtMs: expect.any(Number), changes: 0 }
  expect(limits).toEqual([
    { ...learned, ...limit('Amazon Nova 9', 'tokens-per-day', 0), periodMs: 86_400_000 },
    { ...learned, ...limit(LITE, 'tokens-per-minute', 200_000), periodMs: 60_000 },
    { ...learned, ...limit(`eu.${LITE}`, 'requests-per-minute', 200), periodMs: 60_000 },
  ])
  expect(limits[0]?.lastSeenAtMs).toBeGreaterThanOrEqual(askedAtMs)
  expect((await (await openBucket(bus, discovered)).get('c')).value?.limits).toEqual(limits)
  expect((await request(bus, discoveryStatus, [], {})).unreadable).toEqual([
    { provider: 'aws-bedrock', dimension: QUOTAS[3]?.name, part: 'limit', responses: 1 },
  ])
})

it('changes nothing when it is repeated, and reports a quota that has changed', async () => {
  await refresh()
  expect(await refresh()).toMatchObject({ quotas: 3, changes: 0 })
  expect(await history()).toHaveLength(3)
  giveQuotas([{ name: QUOTAS[0]?.name ?? '', value: 400_000 }, ...QUOTAS.slice(1)])
  expect(await refresh()).toMatchObject({ quotas: 3, changes: 1 })
  expect((await history()).slice(3)).toEqual([{ model: LITE, old_limit: '200000', new_limit: '400000' }])
  expect((await list()).map(({ changes }) => changes)).toEqual([0, 1, 0])
  await eventually(async () => expect(changes).toHaveLength(4))
  expect(changes[3]).toEqual({
    connectionId: 'c',
    model: LITE,
    dimension: 'tokens-per-minute',
    oldLimit: 200_000,
    newLimit: 400_000,
  })
})

it('reads every page', async () => {
  const more = Array.from({ length: 320 }, (_, number) => quotaOf(`Model ${number}`))
  giveQuotas([...more, ...QUOTAS])
  expect(await refresh()).toMatchObject({ quotas: 323, unknownModels: 321 })
  expect(await list()).toHaveLength(323)
  expect(quotaRequests()).toBe(4)
})

it('gives up on a list that does not end', async () => {
  giveQuotas(Array.from({ length: 5_101 }, (_, number) => quotaOf(`Model ${number}`)))
  await expect(refresh()).rejects.toMatchObject({ code: 'upstream_unreachable' })
  expect(await list()).toEqual([])
})

it('reads from AWS once for concurrent requests', async () => {
  const [one, other] = await Promise.all([refresh(), refresh()])
  expect(one).toEqual(other)
  expect(quotaRequests()).toBe(1)
})

it('says that the role may not read quotas, or may not be assumed', async () => {
  giveQuotas(undefined)
  await expect(refresh()).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('may not read its account’s quotas (servicequotas:ListServiceQuotas)'),
  })
  giveQuotas(QUOTAS)
  await connections.put('c', connection({ externalId: 'external-2' }))
  await expect(refresh()).rejects.toMatchObject({
    code: 'forbidden',
    message: expect.stringMatching(/^The role cannot be assumed: .*sts:AssumeRole/),
  })
  expect(await list()).toEqual([])
})

it('reports that AWS throttles requests, or fails', async () => {
  aws.controls.add({ service: 'service-quotas', times: 3, fault: { kind: 'rate-limit' } })
  await expect(refresh()).rejects.toMatchObject({ code: 'rate_limited' })
  aws.controls.add({ service: 'service-quotas', times: 3, fault: { kind: 'status', status: 500 } })
  await expect(refresh()).rejects.toMatchObject({ code: 'upstream_unreachable' })
  aws.controls.add({ service: 'service-quotas', times: 2, fault: { kind: 'break-before-headers' } })
  expect(await refresh()).toMatchObject({ quotas: 3 })
})

it('reports that AWS cannot be reached, and a missing identity without a restart', async () => {
  await service.stop()
  service = await startDiscovery(`http://127.0.0.1:${await freePort()}`)
  await expect(refresh()).rejects.toMatchObject({
    code: 'upstream_unreachable',
    message: expect.stringContaining('ECONNREFUSED'),
  })
  vi.stubEnv('AWS_ACCESS_KEY_ID', '')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent')
  await expect(refresh()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('identity') })
})

it('stops while AWS keeps it waiting', async () => {
  aws.controls.add({ service: 'service-quotas', fault: { kind: 'hang-before-headers' } })
  const refreshing = expect(refresh()).rejects.toMatchObject({ code: 'upstream_unreachable' })
  await eventually(async () => expect(quotaRequests()).toBe(1))
  await service.stop()
  await refreshing
})

it('reads nothing for connections to other providers, or for unknown ones', async () => {
  await connections.put('other', { ...connection({}), id: 'other', provider: 'openai' })
  await expect(refresh('other')).rejects.toMatchObject({ code: 'invalid_request' })
  const { config } = connection({})
  await connections.put('roleless', { ...connection({}), id: 'roleless', config: { region: config.region } })
  await expect(refresh('roleless')).rejects.toMatchObject({ code: 'invalid_request' })
  for (const id of ['unknown', '', 'a.b *>']) await expect(refresh(id)).rejects.toMatchObject({ code: 'not_found' })
})

async function startDiscovery(stsUrl = aws.url): Promise<Service> {
  const config = readConfig(DiscoveryConfig, {
    NATS_URL: nats.url,
    DATABASE_URL: database.url,
    STS_ENDPOINT: stsUrl,
    SERVICE_QUOTAS_ENDPOINT: aws.url,
  })
  return await start(config, createLogger('discovery', 'silent'))
}

/** Undefined: the role may not read them. */
function giveQuotas(serviceQuotas: { name: string; value: number }[] | undefined): void {
  aws.setRole({ ...ROLE, ...(serviceQuotas === undefined ? {} : { serviceQuotas }) })
}

function quotaOf(model: string) {
  return { name: `On-demand model inference tokens per minute for ${model}`, value: 1_000 }
}

function refresh(connectionId = 'c') {
  return request(bus, refreshDiscovered, [], { connectionId })
}

async function list(): Promise<DiscoveredLimit[]> {
  return (await request(bus, listDiscovered, [], { connectionId: 'c' })).items
}

async function history(): Promise<unknown[]> {
  return (await admin.query('select model, old_limit, new_limit from discovery.limit_history order by id')).rows
}

function quotaRequests(): number {
  return aws.requests.list('service-quotas').length
}

function limit(model: string, dimension: string, value: number) {
  return { model, dimension, limit: value, source: 'service-quotas' }
}

function connection(change: Record<string, string>): ProjectedConnection {
  return {
    id: 'c',
    name: 'c',
    provider: 'aws-bedrock',
    config: { region: REGION, iamRoleArn: ROLE.arn, externalId: ROLE.externalId, ...change },
    ...CONNECTION_DEFAULTS,
    version: 1,
  }
}
