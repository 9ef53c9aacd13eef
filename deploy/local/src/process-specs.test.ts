import { expect, it } from 'vitest'
import { readSettings } from './config.ts'
import { NATS_USERS, type NatsPasswords } from './nats-server/users.ts'
import { type ServiceContext, serviceSpecs } from './process-specs.ts'
import { serviceFile, stackPaths } from './stack-paths.ts'

const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, `password-of-${user}`])) as NatsPasswords

function specsOf(overrides: Partial<ServiceContext> = {}) {
  const { connections, capacities, consumers, gateways } = serviceSpecs({
    settings: readSettings({}),
    paths: stackPaths('.sluice'),
    ports: { admin: 8081, gateways: [8080, 8180] },
    natsUrl: 'nats://127.0.0.1:4222',
    natsPasswords: passwords,
    databaseUrl: 'postgres://127.0.0.1/sluice',
    inherited: {},
    extra: {},
    programOf: serviceFile,
    ...overrides,
  })
  return [connections, ...capacities, ...consumers, ...gateways]
}

it('gives each process its own user on NATS, and no other’s password', () => {
  for (const { name, env, args } of specsOf()) {
    const user = name.replace(/-\d$/, '')
    expect(env).toMatchObject({ NATS_USER: user, NATS_PASSWORD: `password-of-${user}` })
    const told = JSON.stringify([env, args?.(undefined)]).match(/password-of-\w+/g)
    expect(told).toEqual([`password-of-${user}`])
  }
})

it('gives every process the settings’ user on a NATS that is there already', () => {
  const given = { NATS_USER: 'all', NATS_PASSWORD: 'secret', NATS_TLS_CA_FILE: '/etc/ca.crt' }
  for (const { env } of specsOf({ natsPasswords: undefined, settings: readSettings(given) })) {
    expect(env).toMatchObject(given)
  }
})
