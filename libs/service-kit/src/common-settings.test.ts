import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { busOptions, commonSettings } from './common-settings.ts'
import { ConfigError, readConfig } from './config.ts'
import { createLogger } from './logger.ts'

const logger = createLogger('test', 'silent')
const read = (env: Record<string, string>) =>
  busOptions(readConfig(Type.Object({ ...commonSettings }), env), 'test', logger)

it('asks for neither a user nor TLS unless they are set', () => {
  expect(read({})).toEqual({
    servers: 'nats://127.0.0.1:4222',
    name: 'test',
    replicas: 1,
    onAbsent: expect.any(Function),
  })
})

it('gives the bus its user and the files of TLS', () => {
  const env = { NATS_USER: 'gateway', NATS_PASSWORD: 'secret', NATS_TLS_CA_FILE: 'ca.crt' }
  expect(read(env)).toMatchObject({ user: 'gateway', password: 'secret', tls: { caFile: 'ca.crt' } })
  expect(read({ ...env, NATS_TLS_CERT_FILE: 'client.crt', NATS_TLS_KEY_FILE: 'client.key' }).tls).toEqual({
    caFile: 'ca.crt',
    certFile: 'client.crt',
    keyFile: 'client.key',
  })
})

it('refuses a certificate without its key, and a key without its certificate', () => {
  expect(() => read({ NATS_TLS_CERT_FILE: 'client.crt' })).toThrow(ConfigError)
  expect(() => read({ NATS_TLS_KEY_FILE: 'client.key' })).toThrow(ConfigError)
})
