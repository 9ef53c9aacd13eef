import type { ProviderId } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { validateConnection } from './validate-connection.ts'

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
