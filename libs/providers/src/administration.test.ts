import type { ProviderId } from '@sluice/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { providerAdapter } from './adapters.ts'

const administers = (provider: ProviderId, path: string, method = 'POST') =>
  providerAdapter(provider).operation(method, path)?.administers === true

const ADMINISTRATION: readonly (readonly [ProviderId, string])[] = [
  ['openai', '/v1/realtime/sessions'],
  ['openai', '/v1/realtime/client_secrets'],
  ['openai', '/v1/realtime/translations/client_secrets'],
  ['openai', '/v1/realtime/transcription_sessions'],
  ['openai', '/v1/realtime/calls'],
  ['openai', '/v1/chatkit/sessions'],
  ['openai', '/v1/chatkit/sessions/s/cancel'],
  ['openai', '/v1/organization/admin_api_keys'],
  ['openai', '/v1/organization/projects/p/service_accounts'],
  ['openai', '/v1/organization/users'],
  ['openai', '/v1/projects/p/roles'],
  ['openai', '/v1/fine_tuning/checkpoints/c/permissions'],
  ['openai', '/v1/keys'],
  ['openai', '/v1/key/generate'],
  ['openai', '/v1/user/new'],
  ['openai', '/v1/credentials'],
  ['openai', '/v1/load_lora_adapter'],
  ['groq', '/openai/v1/organization/users'],
  ['groq', '/openai/v1/realtime/client_secrets'],
  ['anthropic', '/v1/organizations/api_keys'],
  ['anthropic', '/v1/organizations/invites'],
  ['anthropic', '/v1/oauth/token'],
  ['google', '/v1alpha/auth_tokens'],
  ['google', '/v1beta/authTokens'],
  ['google', '/v1beta/tunedModels/t/permissions'],
  ['google', '/v1beta/tunedModels/t:transferOwnership'],
]

/** Ways to write a path that one server or another takes for the same. The provider's root stays. */
const EVASIONS: Readonly<Record<string, (rest: string) => string>> = {
  'upper case': (rest) => rest.toUpperCase(),
  'an empty segment': (rest) => `/${rest}`,
  'empty segments within': (rest) => rest.replaceAll('/', '//'),
  'a slash at the end': (rest) => `${rest}/`,
  'a space at the end': (rest) => `${rest}%20`,
  'a line end': (rest) => `${rest}%0d%0a`,
  'a NUL at the end': (rest) => `${rest}%00`,
  'a zero-width space': (rest) => `/%E2%80%8B${rest.slice(1)}`,
  'an escaped letter': (rest) => rest.replace(/[a-z]/, escaped),
  'each letter escaped': (rest) => rest.replace(/[a-z]/g, escaped),
  'a letter escaped twice': (rest) => rest.replace(/[a-z]/, (letter) => escaped(letter).replace('%', '%25')),
  'a letter escaped three times': (rest) => rest.replace(/[a-z]/, (letter) => escaped(letter).replace('%', '%2525')),
  'an escaped slash': (rest) => rest.replace(/\/(?=[^/]+$)/, '%2F'),
  'a slash escaped twice': (rest) => `/${rest.slice(1).replaceAll('/', '%252f')}`,
  'a parameter': (rest) => `${rest};v=1`,
  'a parameter within': (rest) => rest.replace(/(?<=\/[^/]+)(?=\/|$)/, ';a=b'),
  'an escaped query': (rest) => `${rest}%3Fa=b`,
  'a dot at the end': (rest) => `${rest}.`,
  'a format': (rest) => `${rest}.json`,
  'wide letters': (rest) => rest.replace(/[a-z]/, (letter) => wide(letter)),
  'hyphens for underscores': (rest) => rest.replaceAll('_', '-'),
  'broken escapes': (rest) => `${rest}/%zz%`,
  'another version': (rest) => `/v1${rest}`,
}

describe.each(ADMINISTRATION)('%s %s administers', (provider, path) => {
  const root = /^(?:\/openai)?\/v1(?:alpha|beta)?/.exec(path)?.[0] ?? ''
  const rest = path.slice(root.length)

  it('with every method', () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'GET', 'HEAD', 'DELETE', 'OPTIONS'])
      expect(administers(provider, path, method)).toBe(true)
  })

  it.each(Object.entries(EVASIONS))('however it is written: %s', (_, evade) => {
    const operation = providerAdapter(provider).operation('POST', root + evade(rest))
    // A provider of which only known paths are served does not serve it at all.
    expect(operation === undefined || operation.administers === true).toBe(true)
  })
})

it.each([
  ['openai', '/v1/models'],
  ['openai', '/v1/models/organization'],
  ['openai', '/v1/chat/completions'],
  ['openai', '/v1/files'],
  ['openai', '/v1/vector_stores/vs_1/files'],
  ['openai', '/v1/threads/runs'],
  ['openai', '/v1/chatkit/threads'],
  ['openai', '/v1/organizational'],
  ['groq', '/openai/v1/models'],
  ['anthropic', '/v1/messages'],
  ['anthropic', '/v1/skills'],
  ['anthropic', '/v1/sessions'],
  ['google', '/v1beta/models/gemini-2.5-pro:generateContent'],
  ['google', '/v1beta/tunedModels/t'],
  ['aws-bedrock', '/model/m/converse'],
] as const)('%s %s administers nothing', (provider, path) => {
  for (const method of ['POST', 'GET', 'DELETE']) expect(administers(provider, path, method)).toBe(false)
})

it('is decided for every path without throwing, in time that grows with its length', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('%', '2', '5', 'f', '/', ';', '.', 'é', ' ', '~') }), (rest) => {
      expect(typeof administers('openai', `/v1/${rest}`)).toBe('boolean')
    }),
  )
  expect(administers('openai', `/v1/${'%25'.repeat(50_000)}`)).toBe(false)
})

function escaped(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16)}`
}

function wide(letter: string): string {
  return encodeURIComponent(String.fromCharCode(letter.charCodeAt(0) + 0xfee0))
}
