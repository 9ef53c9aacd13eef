import { expect, it } from 'vitest'
import { readSettings, SettingsError } from './settings.ts'

it('has defaults for everything', () => {
  expect(readSettings({})).toMatchObject({
    provider: 'openai',
    host: '127.0.0.1',
    port: 8090,
    accounts: [{ apiKey: 'sk-simulator' }],
  })
})

it('reads every setting', () => {
  const accounts = [{ apiKey: 'sk-a', limits: { requests: { limit: 5, period: 'day' } } }]
  expect(readSettings({ PROVIDER: 'groq', HOST: '::1', PORT: '0', ACCOUNTS: JSON.stringify(accounts) })).toEqual({
    provider: 'groq',
    host: '::1',
    port: 0,
    accounts,
  })
})

it.each([
  [{ PROVIDER: 'aws' }, /^PROVIDER must be one of openai, .*, not "aws"$/],
  [{ PORT: 'http' }, /^PORT must be .* not "http"$/],
  [{ PORT: '70000' }, /^PORT must be/],
  [{ PORT: '' }, /^PORT must be/],
  [{ ACCOUNTS: 'sk-a' }, /^ACCOUNTS must be a JSON array/],
  [{ ACCOUNTS: '[{"apiKey":1}]' }, /^ACCOUNTS\/0\/apiKey: must be string$/],
])('refuses %j', (environment, message) => {
  expect(() => readSettings(environment)).toThrow(SettingsError)
  expect(() => readSettings(environment)).toThrow(message)
})
