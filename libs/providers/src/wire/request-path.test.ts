import type { ProviderId } from '@sluice/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { providerAdapter } from '../adapters.ts'
import { isAdministration } from '../administration.ts'
import { decodedPath } from './request-path.ts'

const operation = (provider: ProviderId, path: string, { method = 'POST', basePath }: Options = {}) =>
  providerAdapter(provider).operation(method, path, basePath)

interface Options {
  readonly method?: string
  readonly basePath?: string
}

it.each<[ProviderId, string, string[]]>([
  [
    'openai',
    '/v1/chat/completions',
    [
      '/v1/v1/chat/completions',
      '/v1/v1/v1/chat/completions',
      '/chat/completions',
      '//v1/chat/completions',
      '/v1//chat/completions',
      '/v1/chat/completions/',
    ],
  ],
  ['openai', '/v1/responses', ['/v1/v1/responses', '/responses', '/v1/responses/']],
  ['openai', '/v1/files/f/content', ['/v1/v1/files/f/content', '/files/f/content', '/v1//files//f/content']],
  [
    'groq',
    '/openai/v1/chat/completions',
    [
      '/openai/v1/openai/v1/chat/completions',
      '/v1/chat/completions',
      '/openai/chat/completions',
      '/chat/completions',
      '/openai/v1/v1/chat/completions',
      '/openai/v1/chat/completions/',
    ],
  ],
  ['anthropic', '/v1/messages', ['/v1/v1/messages', '/messages', '/v1/messages/', '//v1//messages']],
  ['anthropic', '/v1/messages/count_tokens', ['/v1/v1/messages/count_tokens', '/messages/count_tokens']],
  [
    'google',
    '/v1beta/models/g:generateContent',
    [
      '/v1beta/v1beta/models/g:generateContent',
      '/models/g:generateContent',
      '/v1/v1beta/models/g:generateContent',
      '/v1beta//models/g:generateContent',
      '/v1beta/models/g:generateContent/',
    ],
  ],
  ['google', '/upload/v1beta/files', ['/v1beta/upload/v1beta/files', '/upload/files', '/upload/v1beta/files/']],
  ['aws-bedrock', '/model/m/converse', ['//model/m/converse', '/model/m/converse/', '/model//m/converse']],
])('%s: %s is what these name, and what the provider gets', (provider, right, wrong) => {
  const expected = operation(provider, right)
  expect(expected).toMatchObject({ kind: expect.any(String) })
  for (const path of wrong) expect([path, operation(provider, path)]).toEqual([path, expected])
})

describe('a path that really is there', () => {
  it.each<[ProviderId, string]>([
    ['google', '/v1/models/g:generateContent'],
    ['google', '/v1alpha/models/g:generateContent'],
    ['openai', '/v1/models/v1'],
    ['openai', '/v1/unknown//thing/'],
    ['openai', '/v1/files/'],
    ['anthropic', '/v1/unknown//thing/'],
  ])('%s %s stays', (provider, path) => {
    const sent = operation(provider, path, { method: 'GET' })?.path
    expect(path.endsWith(sent ?? '(none)')).toBe(true)
  })

  it('is beside the one that a base URL names, where that does not end with the version', () => {
    expect(operation('openai', '/v1/v1/files', { basePath: '/api' })?.path).toBe('/v1/files')
    expect(operation('openai', '/v1/v1/files', { basePath: '/api/v1' })?.path).toBe('/files')
  })

  it.each<[ProviderId, string]>([
    ['openai', '/organization/users'],
    ['openai', '/unknown'],
    ['openai', '/v2/chat/completions'],
    ['openai', '/%63hat/completions'],
    ['openai', '/x/v1/chat/completions'],
    ['anthropic', '/organizations/api_keys'],
    ['google', '/auth_tokens'],
    ['google', '/v1beta/openai/chat/completions'],
  ])('is not made of %s %s', (provider, path) => {
    expect(operation(provider, path)).toBeUndefined()
  })
})

const SEGMENTS = [
  '',
  'v1',
  'v1beta',
  'openai',
  'api',
  'chat',
  'completions',
  'messages',
  'models',
  'g:generateContent',
  'files',
  'organization',
  'organizations',
  'realtime',
  'client_secrets',
  'permissions',
  'auth_tokens',
  'upload',
  'model',
  'converse',
  '%6dodels',
  '%2e%2e',
  'V1',
  'Files',
  ';x',
  '%20',
  'keys',
]
const paths = fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 8 }).map((segments) => `/${segments.join('/')}`)
const methods = fc.constantFrom('GET', 'POST', 'DELETE')
const ROOTS: readonly (readonly [ProviderId, string, readonly string[]])[] = [
  ['openai', '/v1', ['organization', 'realtime', 'keys']],
  ['groq', '/openai/v1', ['organization', 'realtime', 'keys']],
  ['anthropic', '', ['organizations']],
  ['google', '', []],
  ['aws-bedrock', '', []],
]

describe.each(ROOTS)('%s', (provider, root, areas) => {
  it('decides by the path that it sends: sent as such, it is the same operation', () => {
    fc.assert(
      fc.property(methods, paths, (method, path) => {
        const found = operation(provider, path, { method })
        if (found === undefined) return
        expect(operation(provider, root + found.path, { method })).toEqual(found)
      }),
      { numRuns: 3_000 },
    )
  })

  it('lets no administration through that its sender wrote as something else', () => {
    fc.assert(
      fc.property(methods, paths, (method, path) => {
        const found = operation(provider, path, { method })
        if (found === undefined || found.usesModel) return
        if (isAdministration(found.path, new Set(areas))) expect(found.administers).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })
})

it.each([
  ['/v1/messages', '/v1/messages'],
  ['/v1//messages/', '/v1/messages'],
  ['/v1/%6dessages', '/v1/messages'],
  ['/v1%2Fmessages', '/v1/messages'],
  ['/a%3Ab/é', '/a:b/é'],
  ['', '/'],
])('%j is understood as %j', (path, expected) => {
  expect(decodedPath(path)).toBe(expected)
})

it.each(['/%', '/%ff', '/a/../b', '/a/%2e%2e/b', '/./a'])('%j is not understood', (path) => {
  expect(decodedPath(path)).toBeUndefined()
})
