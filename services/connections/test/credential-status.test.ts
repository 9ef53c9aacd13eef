import { credentialFaultChanged, credentialStatus } from '@sluice/contracts'
import { type Bus, connectBus, publishEvent, subscribeEvent } from '@sluice/messaging'
import { startProviderSimulator } from '@sluice/provider-simulator'
import { eventually, type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openAiConnection, startConnections, type TestConnections } from './support/start-connections.ts'

let nats: TestNats
let database: TestDatabase
let bus: Bus
let service: TestConnections
let changes: unknown[]
let id: string

beforeEach(async () => {
  ;[nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  bus = await connectBus({ servers: nats.url, name: 'test' })
  service = await startConnections({
    natsUrl: nats.url,
    databaseUrl: database.url,
    env: { ALLOW_INSECURE_UPSTREAM: 'true' },
  })
  changes = []
  subscribeEvent(
    bus,
    credentialFaultChanged,
    (event) => changes.push(event),
    () => undefined,
  )
  await bus.connection.flush()
  id = (await service.call('POST', '/api/v1/connections', openAiConnection)).body.id
})
afterEach(async () => {
  await Promise.all([service.stop(), bus.close()])
  await Promise.all([nats.stop(), database.drop()])
})

const report = (status: 'accepted' | 'rejected', version = 1) =>
  publishEvent(bus, credentialStatus, [id], {
    connectionId: id,
    version,
    status,
    ...(status === 'rejected' ? { upstreamStatus: 401 } : {}),
  })
const fault = async () => (await service.call('GET', `/api/v1/connections/${id}`)).body.credential.fault
const REJECTED = {
  reason: 'rejected_by_provider',
  message: 'The provider rejected the credential (HTTP 401).',
  since: expect.any(String),
}

it('sets a fault when the provider rejects a credential, clears it when it is accepted again, and publishes each change once', async () => {
  await report('rejected')
  await eventually(async () => expect(await fault()).toEqual(REJECTED))
  await report('rejected')
  await report('accepted')
  await eventually(async () => expect(await fault()).toBeUndefined())
  await report('accepted')
  await report('rejected')
  const change = { connectionId: id, name: 'openai-prod', version: 1 }
  await eventually(() =>
    expect(changes).toEqual([{ ...change, fault: REJECTED }, change, { ...change, fault: REJECTED }]),
  )
})

it('starts a rotated credential without a fault, which reports on the old version do not change', async () => {
  await report('rejected')
  await eventually(async () => expect(await fault()).toEqual(REJECTED))
  await service.call('PATCH', `/api/v1/connections/${id}`, { config: { apiKey: 'sk-2' } })
  expect(await fault()).toBeUndefined()
  await report('rejected', 1)
  await report('rejected', 3)
  await report('rejected', 2)
  await eventually(async () => expect(await fault()).toEqual(REJECTED))
  expect(changes).toHaveLength(2)
})

it('records the result of a connection test like that of a request, and publishes each change once', async () => {
  const provider = await startProviderSimulator({ accounts: [{ apiKey: 'sk-right-0123456789' }] })
  const send = (method: string, path: string, body?: object) => service.call(method, `/api/v1/connections${path}`, body)
  const config = { apiKey: 'sk-wrong-0123456789', baseUrl: provider.openaiBaseUrl }
  id = (await send('POST', '', { name: 'tested', provider: 'openai', config })).body.id
  const test = async () => (await send('POST', `/${id}/test`)).body.error?.code
  expect([await test(), await test()]).toEqual(['invalid_credential', 'invalid_credential'])
  expect(await fault()).toEqual(REJECTED)
  provider.accounts.register({ apiKey: 'sk-wrong-0123456789' })
  // What says nothing of the credential changes nothing.
  provider.controls.add({ fault: { kind: 'status', status: 503 } })
  expect(await test()).toBe('provider_error')
  expect(await fault()).toEqual(REJECTED)
  provider.controls.clear()
  expect([await test(), await test()]).toEqual([undefined, undefined])
  expect(await fault()).toBeUndefined()
  const change = { connectionId: id, name: 'tested', version: 1 }
  await eventually(() => expect(changes).toEqual([{ ...change, fault: REJECTED }, change]))
  await provider.stop()
})
