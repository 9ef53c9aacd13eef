import { expect, it } from 'vitest'
import { DATABASE_SETTINGS, readSettings } from './config.ts'

it('every setting has a default but those of running servers', () => {
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

it.each([[[0]], [[1, 2]]])('rejects a PostgreSQL for only some of the services: %j', (given) => {
  const urls = Object.fromEntries(given.map((index) => [DATABASE_SETTINGS[index], 'postgres://role@db/sluice']))
  const missing = DATABASE_SETTINGS.filter((name) => !(name in urls))
  expect(() => readSettings(urls)).toThrow(`${missing.join(' and ')} must be set as well`)
})
