import { SluiceError } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { anthropic } from './adapter.ts'

describe('operations', () => {
  it.each([
    ['POST', '/v1/messages', { kind: 'messages', usesModel: true, body: 'json', path: '/v1/messages' }],
    ['POST', '/v1/messages/count_tokens', { kind: 'count-tokens', usesModel: true }],
    ['POST', '/v1/messages/batches', { kind: 'batch', usesModel: true }],
    ['GET', '/v1/messages/batches', { kind: 'other', usesModel: false }],
    ['POST', '/v1/messages/batches/b1/cancel', { kind: 'other', usesModel: false }],
    ['GET', '/v1/models', { kind: 'other', usesModel: false, body: 'any' }],
    ['POST', '/v1/%6dessages', { kind: 'messages', path: '/v1/%6dessages' }],
    ['POST', '/v1//messages/', { kind: 'messages', path: '/v1/messages' }],
  ])('%s %s', (method, path, expected) => {
    expect(anthropic.operation(method, path)).toMatchObject(expected)
  })

  it.each([
    ['GET', '/v1/messages/batches/b', undefined],
    ['DELETE', '/v1/files/f', undefined],
    ['POST', '/v1/files', undefined],
    ['POST', '/v1/skills/s/versions', undefined],
    ['POST', '/v1/messages/batches/b/cancel', undefined],
    ['POST', '/v1/environments', undefined],
    ['POST', '/v1/agents', 'named'],
    ['POST', '/v1/agents/a', 'named'],
  ])('%s %s runs no model at once; it runs one later: %s', (method, path, runsModel) => {
    const operation = anthropic.operation(method, path)
    expect(operation).toMatchObject({ usesModel: false })
    expect(operation?.runsModel).toBe(runsModel)
    const inspection = operation && anthropic.inspect(operation, { model: 'm' }, 100)
    expect(inspection).toMatchObject({ model: runsModel === undefined ? '' : 'm', maxOutputTokens: 0 })
  })

  it.each([
    ['POST', '/v1/sessions'],
    ['POST', '/v1/sessions/s/events'],
    ['PUT', '/v1/messages'],
    ['POST', '/v1/Messages'],
    ['POST', '/v1/messages%20'],
    ['POST', '/v1/messages;x'],
    ['POST', '/v1/messages%253f'],
    ['POST', '/v1/files%0a'],
    ['POST', '/v1/chat/completions'],
  ])('%s %s counts as a call that may run a model', (method, path) => {
    const operation = anthropic.operation(method, path)
    expect(operation).toMatchObject({ usesModel: true, unlisted: true, runsModel: 'named', body: 'any' })
    expect(operation && anthropic.inspect(operation, { model: 'm' }, 100)).toMatchObject({
      model: 'm',
      promptBytes: 100,
    })
  })

  it.each(['/', '/v1', '/v2/messages', '/v1/%', '/v1/../messages', ''])('do not exist at %j', (path) => {
    expect(anthropic.operation('POST', path)).toBeUndefined()
  })
})

it('authenticates with the API key only, and leaves the version to the caller', () => {
  expect(anthropic.signing).toBe('headers')
  expect(anthropic.authHeaders({ apiKey: { reveal: () => 'sk-ant' } })).toEqual({ 'x-api-key': 'sk-ant' })
  expect(() => anthropic.authHeaders({ apiKey: 'sk-ant' })).toThrow(SluiceError)
  expect(anthropic.connectionHeaders.has('anthropic-version')).toBe(false)
})

it.each([
  [undefined, 'https://api.anthropic.com'],
  ['https://proxy.example/anthropic/', 'https://proxy.example/anthropic'],
  ['https://proxy.example/anthropic/v1', 'https://proxy.example/anthropic'],
  ['https://api.anthropic.com/v1/v1/', 'https://api.anthropic.com'],
  ['https://proxy.example/v1/anthropic', 'https://proxy.example/v1/anthropic'],
])('with base URL %j calls %s', (baseUrl, expected) => {
  expect(anthropic.baseUrl({ baseUrl })).toBe(expected)
})

it.each([
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [422, 'invalid_request_error'],
  [502, 'api_error'],
  [503, 'api_error'],
  [504, 'timeout_error'],
])('formats errors of status %d as Anthropic does', (status, type) => {
  const response = anthropic.errorResponse({ code: 'internal', status, message: 'No.', requestId: 'req_1' })
  expect(JSON.parse(response.body)).toEqual({ type: 'error', error: { type, message: 'No.' }, request_id: 'req_1' })
  expect(response.headers['request-id']).toBe('req_1')
})
