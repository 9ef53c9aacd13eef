import { DATABASE_SERVICES, forEachService, generateNatsPasswords, NATS_USERS } from '@sluice/local-servers'
import { expect, it } from 'vitest'
import { DATABASE_SETTINGS, readSettings } from './config.ts'
import { stackPaths } from './data-folder.ts'
import { givenNames, programPath, type ServiceContext, serviceInstances, serviceProcesses } from './services.ts'

const generated = generateNatsPasswords()
const passwords = Object.assign(generated, Object.fromEntries(NATS_USERS.map((user) => [user, `password-of-${user}`])))

function contextWith(overrides: Partial<ServiceContext>, servers: Partial<ServiceContext['servers']>): ServiceContext {
  return {
    settings: readSettings({}),
    paths: stackPaths('.sluice'),
    ports: { admin: 8081, gateways: [8080, 8180] },
    servers: {
      natsUrl: 'nats://127.0.0.1:4222',
      natsPasswords: passwords,
      natsSyncIntervalMs: 1_000,
      databaseUrls: forEachService(
        (service) => `postgres://${service}-role:database-secret-of-${service}@127.0.0.1/sluice`,
      ),
      ...servers,
    },
    inherited: {},
    extra: {},
    programOf: programPath,
    ...overrides,
  }
}

function instancesOf(overrides: Partial<ServiceContext> = {}, servers: Partial<ServiceContext['servers']> = {}) {
  return serviceInstances(contextWith(overrides, servers))
}

function processesOf(overrides: Partial<ServiceContext> = {}) {
  const context = contextWith(overrides, {})
  const { controlPlane, capacities, gateways } = serviceProcesses(serviceInstances(context), context)
  return [controlPlane, ...capacities, ...gateways]
}

it('each service gets its own user on NATS, and no other’s password', () => {
  for (const { name, env } of instancesOf()) {
    const user = name.replace(/-\d$/, '')
    expect(env).toMatchObject({ NATS_USER: user, NATS_PASSWORD: `password-of-${user}` })
    expect(JSON.stringify(env).match(/password-of-\w+/g)).toEqual([`password-of-${user}`])
  }
})

it('each service that stores something gets its own role in the database, and no other’s password', () => {
  const instances = instancesOf()
  expect(instances.map(({ service }) => service)).toEqual(expect.arrayContaining([...DATABASE_SERVICES]))
  for (const { service, env } of instances) {
    const found = JSON.stringify(env).match(/database-secret-of-\w+/g) ?? []
    const stores = DATABASE_SERVICES.some((each) => each === service)
    expect(found).toEqual(stores ? [`database-secret-of-${service}`] : [])
  }
})

it('every service gets the settings’ user on a NATS that the start does not run', () => {
  const given = { NATS_USER: 'all', NATS_PASSWORD: 'secret', NATS_TLS_CA_FILE: '/etc/ca.crt' }
  for (const { env } of instancesOf({ settings: readSettings(given) }, { natsPasswords: undefined })) {
    expect(env).toMatchObject(given)
  }
})

it('only the capacity service gets the interval at which NATS writes to the disk', () => {
  const given = instancesOf({}, { natsSyncIntervalMs: 0 }).map(({ name, env }) => [name, env.NATS_SYNC_INTERVAL_MS])
  expect(given.filter(([, value]) => value !== undefined)).toEqual([['capacity-1', '0']])
})

it('the process of a service has that service’s environment, and no password of another', () => {
  const [controlPlane, capacity] = processesOf({ extra: { usage: { PRICE_LIST_FILE: 'prices.json' } } })
  expect(JSON.stringify(capacity).match(/(password|database-secret)-of-\w+/g)).toEqual(['password-of-capacity'])
  const { SERVICE_ENVIRONMENTS = '', ...own } = controlPlane?.env ?? {}
  expect(JSON.stringify(own)).not.toMatch(/-of-|PRICE_LIST_FILE/)
  const environments: Record<string, Record<string, string>> = JSON.parse(SERVICE_ENVIRONMENTS)
  expect(Object.keys(environments)).toEqual(['connections', 'discovery', 'usage'])
  for (const [service, env] of Object.entries(environments)) {
    const secrets = JSON.stringify(env).match(/(password|database-secret)-of-\w+/g)
    expect(new Set(secrets)).toEqual(new Set([`password-of-${service}`, `database-secret-of-${service}`]))
    expect('PRICE_LIST_FILE' in env).toBe(service === 'usage')
  }
})

it('the shared process has the AWS identity of its services, for AWS’s SDK', () => {
  const [controlPlane] = processesOf({ extra: { connections: { AWS_PROFILE: 'sluice', KMS_KEY_ID: 'alias/sluice' } } })
  expect(controlPlane?.env).toMatchObject({ AWS_PROFILE: 'sluice' })
  expect(controlPlane?.env).not.toHaveProperty('KMS_KEY_ID')
})

it('each process serves its metrics on a port of its own, and none unless set', () => {
  const settings = readSettings({ METRICS_PORT: '9464', CAPACITY_INSTANCES: '2' })
  expect(processesOf({ settings }).map(({ name, env }) => `${name} ${env.METRICS_PORT}`)).toEqual([
    'control-plane 9464',
    'capacity-1 9465',
    'capacity-2 9466',
    'gateway-1 9467',
    'gateway-2 9468',
  ])
  for (const { env } of processesOf()) expect(env).not.toHaveProperty('METRICS_PORT')
})

it('distinguishes what the services have from outside from what the start chose', () => {
  const urls = Object.fromEntries(DATABASE_SETTINGS.map((name) => [name, 'postgres://user:secret@db/sluice']))
  const given = { NATS_URL: 'nats://user:secret@nats', ...urls }
  const outside = { inherited: { HOME: '/root' }, extra: { gateway: { AWS_SECRET_ACCESS_KEY: 'secret' } } }
  const names = givenNames(contextWith({ ...outside, settings: readSettings(given) }, {}))
  expect([...names]).toEqual(
    expect.arrayContaining(['HOME', 'AWS_SECRET_ACCESS_KEY', 'NATS_URL', 'DATABASE_URL', 'NATS_PASSWORD']),
  )
  expect([...givenNames(contextWith(outside, {}))]).toEqual(['HOME', 'AWS_SECRET_ACCESS_KEY'])
})
