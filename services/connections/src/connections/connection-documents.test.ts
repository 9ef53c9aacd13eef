import type { ProviderId } from '@sluice/contracts'
import { catalogueEntry } from '@sluice/providers'
import { expect, it } from 'vitest'
import { providerErrors } from './config-errors.ts'
import { validateConnection } from './connection-documents.ts'

const document = { name: 'a', provider: 'groq', config: { apiKey: 'gsk-1' } }
const rules = { allowInsecureUpstream: false, isAvailable: (provider: ProviderId) => provider === 'groq' }

it('refuses a provider that no gateway can call', () => {
  expect(validateConnection(document, rules).provider.id).toBe('groq')
  const refused = () => validateConnection({ ...document, provider: 'openai' }, rules)
  expect(refused).toThrow(
    expect.objectContaining({
      code: 'invalid_request',
      fields: [{ field: 'provider', message: 'is not available in this version' }],
    }),
  )
})

it.each([
  ['https://a.example.com/v1/completions', '/completions'],
  ['https://a.example.com/api/v1/models/', '/models'],
  ['https://a.example.com/v1/chat/completions', '/chat/completions'],
  ['https://a.example.com/v1/messages/count_tokens', '/messages/count_tokens'],
  ['https://a.example.com/v1/images/generations', '/images/generations'],
  ['https://a.example.com/v1beta/models/g-2:generateContent', '/models/g-2:generateContent'],
  ['https://a.example.com/model/m-1/converse', '/model/m-1/converse'],
])('refuses a base URL that ends with an operation: %s', (baseUrl, operation) => {
  expect(faultsOf(baseUrl)).toEqual([
    { field: 'config.baseUrl', message: `must end before "${operation}", which each request adds` },
  ])
})

it.each(['https://a.example.com/v1', 'https://a.example.com/completions', 'https://a.example.com/models/openai/v1'])(
  'takes a base URL that only looks like one: %s',
  (baseUrl) => {
    expect(faultsOf(baseUrl)).toEqual([])
  },
)

it.each([' https://a.example.com/v1', 'https://a.example.com/v1 ', 'https://a.example.com/v1%0A'])(
  'refuses a base URL with white space: %j',
  (baseUrl) => {
    expect(faultsOf(baseUrl)).toEqual([{ field: 'config.baseUrl', message: 'must hold no white space: take it out' }])
  },
)

function faultsOf(baseUrl: string): unknown {
  const rules = { isAvailable: () => true, allowInsecureUpstream: false }
  const config = { apiKey: 'sk-1', baseUrl }
  return providerErrors(entryOf('openai'), config, rules)
}

function entryOf(id: string) {
  const entry = catalogueEntry(id)
  if (entry === undefined) throw new Error(`there is no provider ${id}`)
  return entry
}
