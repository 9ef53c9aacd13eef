import { expect, it } from 'vitest'
import { serviceEnvironment } from './service-environment.ts'

it('tells those who reach AWS who they are there, and nobody else', () => {
  const aws = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret', STS_ENDPOINT: 'https://sts' }
  const keys = { KEY_SERVICE: 'aws-kms', KMS_KEY_ID: 'alias/sluice' }
  const quotas = { SERVICE_QUOTAS_ENDPOINT: 'https://quotas' }
  expect(serviceEnvironment({ ...aws, ...keys, ...quotas, HOME: '/root', NOTHING: undefined })).toEqual({
    gateway: aws,
    connections: { ...aws, ...keys },
    discovery: { ...aws, ...quotas },
    usage: {},
    capacity: {},
  })
})

it('gives each service its own settings', () => {
  const own = {
    connections: { CREDENTIAL_GRACE_MS: '1', LOGIN_FAILURES_PER_MINUTE: '2', TRUSTED_PROXIES: '10.0.0.1' },
    capacity: { ASSUME_LOST_AS_USED: 'false' },
    discovery: { RESPONSES_MAX_BYTES: '1048576' },
    usage: { PRICE_LIST_FILE: 'prices.json', DAYS_KEPT_DAYS: '400' },
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
  expect(serviceEnvironment(env)).toEqual(own)
})
