import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

const Settings = Type.Object({
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080 }),
  VERBOSE: Type.Boolean({ default: false }),
  NAME: Type.String({ minLength: 1 }),
})

it('coerces text, applies defaults and leaves out what is not asked for', () => {
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
