import { expect, it } from 'vitest'
import { DATABASE_SETTINGS, readSettings } from './config.ts'
import { NATS_USERS, type NatsPasswords } from './nats-server/users.ts'
import { DATABASE_SERVICES, forEachService } from './postgres/roles.ts'
import { everyProcess, givenNames, type ServiceContext, serviceSpecs } from './process-specs.ts'
import { serviceFile, stackPaths } from './stack-paths.ts'

const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, `password-of-${user}`])) as NatsPasswords

function specsOf(overrides: Partial<ServiceContext> = {}) {
  return everyProcess(serviceSpecs(contextWith(overrides)))
}

function contextWith(overrides: Partial<ServiceContext>): ServiceContext {
  return {
    settings: readSettings({}),
    paths: stackPaths('.sluice'),
    ports: { admin: 8081, gateways: [8080, 8180] },
    natsUrl: 'nats://127.0.0.1:4222',
    natsPasswords: passwords,
    natsSyncIntervalMs: 1_000,
    databaseUrls: forEachService(
      (service) => `postgres://${service}-role:database-secret-of-${service}@127.0.0.1/sluice`,
    ),
    inherited: {},
    extra: {},
    programOf: serviceFile,
    ...overrides,
  }
}

it('gives each process its own user on NATS, and no other’s password', () => {
  for (const { name, env, args } of specsOf()) {
    const user = name.replace(/-\d$/, '')
    expect(env).toMatchObject({ NATS_USER: user, NATS_PASSWORD: `password-of-${user}` })
    const told = JSON.stringify([env, args?.(undefined)]).match(/password-of-\w+/g)
    expect(told).toEqual([`password-of-${user}`])
  }
})

it('gives each service that stores something its own role in the database, and no process another’s password', () => {
  const told = specsOf().map(({ name, env, args }) => {
    const passwords = JSON.stringify([env, args?.(undefined)]).match(/database-secret-of-\w+/g) ?? []
    return [name.replace(/-\d$/, ''), passwords] as const
  })
  expect(told.map(([service]) => service)).toEqual(expect.arrayContaining([...DATABASE_SERVICES]))
  for (const [service, passwords] of told) {
    const stores = DATABASE_SERVICES.some((each) => each === service)
    expect(passwords).toEqual(stores ? [`database-secret-of-${service}`] : [])
  }
})

it('gives every process the settings’ user on a NATS that is there already', () => {
  const given = { NATS_USER: 'all', NATS_PASSWORD: 'secret', NATS_TLS_CA_FILE: '/etc/ca.crt' }
  for (const { env } of specsOf({ natsPasswords: undefined, settings: readSettings(given) })) {
    expect(env).toMatchObject(given)
  }
})

it('gives the capacity service alone how long NATS may hold back what it confirmed', () => {
  const given = specsOf({ natsSyncIntervalMs: 0 }).map(({ name, env }) => [name, env.NATS_SYNC_INTERVAL_MS])
  expect(given.filter(([, value]) => value !== undefined)).toEqual([['capacity-1', '0']])
})

it('has each process serve its metrics on a port of its own, and none unless asked', () => {
  const settings = readSettings({ METRICS_PORT: '9464', CAPACITY_INSTANCES: '2' })
  expect(specsOf({ settings }).map(({ name, env }) => `${name} ${env.METRICS_PORT}`)).toEqual([
    'connections 9464',
    'capacity-1 9465',
    'capacity-2 9466',
    'discovery 9467',
    'usage 9468',
    'gateway-1 9469',
    'gateway-2 9470',
  ])
  for (const { env } of specsOf()) expect(env).not.toHaveProperty('METRICS_PORT')
})

it('tells what the processes have from outside, and what the start chose itself', () => {
  const urls = Object.fromEntries(DATABASE_SETTINGS.map((name) => [name, 'postgres://user:secret@db/sluice']))
  const given = { NATS_URL: 'nats://user:secret@nats', ...urls }
  const outside = { inherited: { HOME: '/root' }, extra: { gateway: { AWS_SECRET_ACCESS_KEY: 'secret' } } }
  const names = givenNames(contextWith({ ...outside, settings: readSettings(given) }))
  expect([...names]).toEqual(
    expect.arrayContaining(['HOME', 'AWS_SECRET_ACCESS_KEY', 'NATS_URL', 'DATABASE_URL', 'NATS_PASSWORD']),
  )
  expect([...givenNames(contextWith(outside))]).toEqual(['HOME', 'AWS_SECRET_ACCESS_KEY'])
})
