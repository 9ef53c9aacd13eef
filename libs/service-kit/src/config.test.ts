import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { busOptions, ConfigError, commonSettings, readConfig } from './config.ts'
import { createLogger } from './logger.ts'

const Settings = Type.Object({
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080 }),
  VERBOSE: Type.Boolean({ default: false }),
  NAME: Type.String({ minLength: 1 }),
})

it('coerces text, applies defaults and omits variables that are not in the schema', () => {
  expect(readConfig(Settings, { PORT: '9000', NAME: 'x', HOME: '/root' })).toEqual({
    PORT: 9000,
    VERBOSE: false,
    NAME: 'x',
  })
  expect(readConfig(Settings, { VERBOSE: 'true', NAME: '42', PORT: '' })).toEqual({
    PORT: 8080,
    VERBOSE: true,
    NAME: '42',
  })
})

it('names every setting that is missing or wrong, and shows no value', () => {
  const read = () => readConfig(Settings, { PORT: '70000', VERBOSE: 's3cret' })
  expect(read).toThrow(ConfigError)
  expect(read).toThrow(/PORT must be at most 65535/)
  expect(read).toThrow(/VERBOSE must be true or false/)
  expect(read).toThrow(/NAME is required/)
  expect(read).not.toThrow(/s3cret/)
})

const logger = createLogger('test', 'silent')
const read = (env: Record<string, string>) =>
  busOptions(readConfig(Type.Object({ ...commonSettings }), env), 'test', logger)

it('connects without user and TLS unless they are set', () => {
  expect(read({})).toEqual({
    servers: 'nats://127.0.0.1:4222',
    name: 'test',
    replicas: 1,
    onAbsent: expect.any(Function),
  })
})

it('passes the user and the TLS files to the bus', () => {
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
