import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { inheritedEnvironment, SERVICE_SETTINGS, serviceEnvironments } from './service-environment.ts'

it('only services that call AWS get the identity there', () => {
  const aws = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret', STS_ENDPOINT: 'https://sts' }
  const keys = { KEY_SERVICE: 'aws-kms', KMS_KEY_ID: 'alias/sluice' }
  const quotas = { SERVICE_QUOTAS_ENDPOINT: 'https://quotas' }
  expect(serviceEnvironments({ ...aws, ...keys, ...quotas, HOME: '/root', NOTHING: undefined })).toEqual({
    gateway: aws,
    connections: { ...aws, ...keys },
    discovery: { ...aws, ...quotas },
    usage: {},
    capacity: {},
  })
})

it('each service gets its own settings, and none that the start decides', () => {
  const own = {
    connections: { CREDENTIAL_GRACE_MS: '1', LOGIN_FAILURES_PER_MINUTE: '2', TRUSTED_PROXIES: '10.0.0.1' },
    capacity: { ASSUME_LOST_AS_USED: 'false' },
    discovery: { RESPONSES_MAX_BYTES: '1048576' },
    usage: { PRICE_LIST_FILE: 'prices.json', DAY_ROLLUP_RETENTION_DAYS: '400' },
    gateway: { MAX_UPLOAD_BYTES: '1024', UPSTREAM_IDLE_TIMEOUT_MS: '100', STOP_TIMEOUT_MS: '0' },
  }
  const env = {
    ...own.connections,
    ...own.capacity,
    ...own.discovery,
    ...own.usage,
    ...own.gateway,
    DATABASE_URL: 'postgres://',
    GATEWAY_PORT: '80',
  }
  expect(serviceEnvironments(env)).toEqual(own)
})

it('a setting that a service newly declares reaches that service, and no other', () => {
  const usage = Type.Object({ ...SERVICE_SETTINGS.usage.properties, NEW_PASSWORD: Type.Optional(Type.String()) })
  const env = { NEW_PASSWORD: 'secret', MASTER_KEY: 'secret', DISCOVERY_DATABASE_URL: 'postgres://discovery:secret@db' }
  expect(serviceEnvironments(env, { ...SERVICE_SETTINGS, usage })).toEqual({
    usage: { NEW_PASSWORD: 'secret' },
    connections: {},
    capacity: {},
    discovery: {},
    gateway: {},
  })
})

it('the shell’s secrets reach no process', () => {
  const env = { PATH: '/bin', OTEL_SERVICE_NAME: 'x', OPENAI_API_KEY: 'secret', TZ: undefined }
  expect(inheritedEnvironment(env)).toEqual({ PATH: '/bin', OTEL_SERVICE_NAME: 'x' })
  expect(Object.values(serviceEnvironments(env))).toEqual([{}, {}, {}, {}, {}])
})
