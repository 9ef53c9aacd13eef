import { expect, it } from 'vitest'
import { DATABASE_SETTINGS, readSettings } from './config.ts'
import { inheritedEnvironment } from './inherited-environment.ts'

it('has a default for everything but the servers that may be there already', () => {
  expect(readSettings({})).toEqual({
    SLUICE_DATA_DIR: '.sluice',
    GATEWAY_PORT: 8080,
    ADMIN_PORT: 8081,
    GATEWAY_INSTANCES: 1,
    CAPACITY_INSTANCES: 1,
    ALLOW_INSECURE_UPSTREAM: false,
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'text',
  })
})

it('names every setting that is wrong', () => {
  const read = () =>
    readSettings({
      GATEWAY_PORT: 'http',
      GATEWAY_INSTANCES: '0',
      USAGE_DATABASE_URL: 'mysql://x',
      NATS_SYNC_INTERVAL: '1 second',
    })
  expect(read).toThrow(/GATEWAY_PORT/)
  expect(read).toThrow(/GATEWAY_INSTANCES/)
  expect(read).toThrow(/USAGE_DATABASE_URL/)
  expect(read).toThrow(/NATS_SYNC_INTERVAL/)
})

it.each([[[0]], [[1, 2]]])('refuses a PostgreSQL for some of the services only: %j', (given) => {
  const urls = Object.fromEntries(given.map((index) => [DATABASE_SETTINGS[index], 'postgres://role@db/sluice']))
  const missing = DATABASE_SETTINGS.filter((name) => !(name in urls))
  expect(() => readSettings(urls)).toThrow(`${missing.join(' and ')} must be set as well`)
})

it('keeps the shell’s secrets from the processes', () => {
  const env = { PATH: '/bin', OTEL_SERVICE_NAME: 'x', OPENAI_API_KEY: 'secret', TZ: undefined }
  expect(inheritedEnvironment(env)).toEqual({ PATH: '/bin', OTEL_SERVICE_NAME: 'x' })
})
