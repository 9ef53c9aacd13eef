import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type StandaloneConnections, standaloneConnections } from './support/standalone-connections.ts'
import { openAiConnection } from './support/start-connections.ts'

let connections: StandaloneConnections

beforeAll(async () => {
  connections = await standaloneConnections()
})
afterAll(() => connections.stop())
beforeEach(() => connections.access.sql('delete from connections.connections'))

const create = (over: object = {}) => connections.call('POST', '/api/v1/connections', { ...openAiConnection, ...over })

describe('an invalid connection is refused as a whole, and nothing is stored', () => {
  it('with one entry for each field', async () => {
    const response = await create({
      name: 'Bad Name!',
      description: 7,
      config: { organization: 'a b', baseUrl: 'http://169.254.169.254', typo: 1 },
      capacity: [
        { period: 'minute', requests: -1 },
        { period: 'minute', tokens: 1.5 },
        { period: 'week' },
        { requests: 1 },
      ],
      tokenReservation: 'none',
      maxWaitMs: -1,
      enforceDiscovered: 'yes',
      allowAdministration: 'yes',
      requestStreamUsage: 'no',
      enabled: 'yes',
      unknown: true,
    })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(response.body).toMatchObject({ status: 400, code: 'invalid_request', title: 'Bad Request' })
    const fields = response.body.errors.map(({ field }: { field: string }) => field)
    expect(fields.toSorted()).toEqual([
      'allowAdministration',
      'capacity.0.requests',
      'capacity.1.period',
      'capacity.1.tokens',
      'capacity.2',
      'capacity.2.period',
      'capacity.3.period',
      'config.apiKey',
      'config.baseUrl',
      'config.organization',
      'config.typo',
      'description',
      'enabled',
      'enforceDiscovered',
      'maxWaitMs',
      'name',
      'requestStreamUsage',
      'tokenReservation',
      'unknown',
    ])
    expect(response.body.errors).toContainEqual({ field: 'config.apiKey', message: 'is required' })
    expect(response.body.errors).toContainEqual({ field: 'unknown', message: 'is not known' })
    expect(response.body.errors).toContainEqual({
      field: 'name',
      message: 'must be lower-case letters, digits and hyphens, beginning with a letter or digit, at most 63',
    })
    expect(response.body.errors).toContainEqual({
      field: 'tokenReservation',
      message: 'must be one of "bounded", "maximum", "expected"',
    })
    await expectNothingStored()
  })

  it.each([
    ['an unknown provider', { provider: 'acme' }, 'provider'],
    ['a provider of the prototype', { provider: 'constructor' }, 'provider'],
    ['no provider', { provider: undefined }, 'provider'],
    ['no config', { config: undefined }, 'config'],
    ['no key', { config: {} }, 'config.apiKey'],
    ['an empty key', { config: { apiKey: '' } }, 'config.apiKey'],
    ['a key with a line break', { config: { apiKey: 'sk-a\r\nx-evil: 1' } }, 'config.apiKey'],
    ['a key with a letter that no header can hold', { config: { apiKey: 'sk-ä' } }, 'config.apiKey'],
    ['a sealed key, which is for the bus', { config: { apiKey: { sealed: 'AAAA' } } }, 'config.apiKey'],
    ['text that PostgreSQL cannot hold', { description: 'a\u0000b' }, 'description'],
    ['half a character', { allowedModels: ['gpt-\ud800'] }, 'allowedModels.0'],
    ['a NUL in an address', { config: { apiKey: 'sk-1', baseUrl: 'https://a.example/\u0000' } }, 'config.baseUrl'],
    ['no name', { name: undefined }, 'name'],
    ['too long a name', { name: 'a'.repeat(64) }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['a limit of zero', { capacity: [{ period: 'hour', tokens: 0 }] }, 'capacity.0.tokens'],
    ['a duplicate period', { capacity: [{ period: 'day' }, { period: 'day' }] }, 'capacity.1.period'],
    ['more limits than periods', { capacity: Array.from({ length: 4 }, () => ({ period: 'day' })) }, 'capacity'],
    ['limits that are none', { capacity: [null, 7] }, 'capacity.0'],
    ['http', { config: { apiKey: 'sk-1', baseUrl: 'http://127.0.0.1:9' } }, 'config.baseUrl'],
  ])('%s', async (_, over, field) => {
    const response = await create(over)
    expect(response.status).toBe(400)
    expect(response.body.errors.map((error: { field: string }) => error.field)).toContain(field)
    const fields = response.body.errors.map((error: { field: string }) => error.field)
    expect(new Set(fields).size).toBe(fields.length)
    await expectNothingStored()
  })

  it.each([
    ['an array', []],
    ['text', 'x'],
    ['null', null],
    ['a number', 7],
  ])('%s as the document', async (_, body) => {
    const response = await connections.call('POST', '/api/v1/connections', body)
    expect(response.status).toBe(400)
    expect(response.body.errors).toEqual([{ field: '', message: 'must be an object' }])
  })

  it('refuses a taken name, also in a race', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => create()))
    expect(responses.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
    const refused = responses.find(({ status }) => status === 409)
    expect(refused?.body).toMatchObject({ code: 'name_taken', errors: [{ field: 'name', message: 'is taken' }] })
    const rows = await connections.access.sql('select count(*)::int as n from connections.credentials')
    expect(rows).toEqual([{ n: 1 }])
  })

  async function expectNothingStored(): Promise<void> {
    const rows = await connections.access.sql(
      'select (select count(*)::int from connections.connections) + (select count(*)::int from connections.credentials) as n',
    )
    expect(rows).toEqual([{ n: 0 }])
  }
})
