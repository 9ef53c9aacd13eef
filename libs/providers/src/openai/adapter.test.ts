import { SluiceError } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { openai } from './adapter.ts'

const apiKey = { reveal: () => 'sk-test' }

describe('operations', () => {
  it.each([
    ['POST', '/v1/chat/completions', { kind: 'chat', usesModel: true, body: 'json', path: '/chat/completions' }],
    ['POST', '/v1/responses/compact', { kind: 'responses', usesModel: true, body: 'json', path: '/responses/compact' }],
    ['POST', '/v1/audio/transcriptions', { usesModel: true, body: 'any' }],
    ['POST', '/v1/chat%2Fcompletions/', { kind: 'chat', path: '/chat%2Fcompletions/' }],
    ['GET', '/v1/models', { usesModel: false, path: '/models' }],
    ['GET', '/v1/chat/completions', { usesModel: false }],
    ['POST', '/v1/files', { usesModel: false, body: 'any' }],
  ])('%s %s', (method, path, expected) => {
    expect(openai.operation(method, path)).toMatchObject(expected)
  })

  it.each(['/', '/v1', '/v2/models', '/openai/v1/models', ''])('are not at %j', (path) => {
    expect(openai.operation('GET', path)).toBeUndefined()
  })
})

it('authenticates as the connection is set up', () => {
  expect(openai.authHeaders({ apiKey })).toEqual({ authorization: 'Bearer sk-test' })
  expect(openai.authHeaders({ apiKey, organization: 'org-1', project: 'proj_1' })).toEqual({
    authorization: 'Bearer sk-test',
    'openai-organization': 'org-1',
    'openai-project': 'proj_1',
  })
  expect(openai.authHeaders({ apiKey, apiKeyHeader: 'api-key', project: 'p' })).toEqual({
    'api-key': 'sk-test',
    'openai-project': 'p',
  })
  expect(openai.authHeaders({ apiKey, apiKeyHeader: 'authorization' })).toEqual({ authorization: 'Bearer sk-test' })
  expect(() => openai.authHeaders({ apiKey: 'sk-plain' })).toThrow(SluiceError)
  expect(() => openai.authHeaders({ apiKey: 'sk-plain', apiKeyHeader: 'api-key' })).toThrow(SluiceError)
})

it.each([
  [undefined, 'https://api.openai.com/v1'],
  ['https://proxy.example/openai/v1', 'https://proxy.example/openai/v1'],
  ['https://proxy.example/openai/', 'https://proxy.example/openai'],
  ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/v1'],
  ['http://127.0.0.1:9000/', 'http://127.0.0.1:9000/v1'],
  ['https://api.openai.com/v1/v1', 'https://api.openai.com/v1'],
  ['https://api.openai.com//v1//', 'https://api.openai.com/v1'],
  ['https://acme.openai.azure.com', 'https://acme.openai.azure.com/openai/v1'],
  ['https://acme.openai.azure.com/openai/', 'https://acme.openai.azure.com/openai/v1'],
  ['https://acme.openai.azure.com/openai/v1/', 'https://acme.openai.azure.com/openai/v1'],
  ['https://acme.services.ai.azure.com', 'https://acme.services.ai.azure.com/openai/v1'],
  [
    'https://generativelanguage.googleapis.com/v1beta/openai',
    'https://generativelanguage.googleapis.com/v1beta/openai',
  ],
])('with base URL %j is at %s', (baseUrl, expected) => {
  expect(openai.baseUrl({ baseUrl })).toBe(expected)
})

it('words errors as OpenAI does', () => {
  const response = openai.errorResponse({ code: 'capacity_exceeded', status: 429, message: 'No.', requestId: 'r' })
  expect(JSON.parse(response.body)).toEqual({
    error: { message: 'No.', type: 'rate_limit_error', param: null, code: 'capacity_exceeded' },
  })
})
