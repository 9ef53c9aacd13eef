import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ErrorToFormat } from '../provider-adapter.ts'
import { google } from './adapter.ts'

describe('operations', () => {
  it.each([
    ['POST', '/v1beta/models/gemini-2.5-pro:generateContent', { kind: 'generate', model: 'gemini-2.5-pro' }],
    ['POST', '/v1/models/gemini-2.5-pro:generateContent', { kind: 'generate', model: 'gemini-2.5-pro' }],
    ['POST', '/v1beta/models/g:streamGenerateContent', { kind: 'stream', usesModel: true, body: 'json' }],
    ['POST', '/v1beta/models/g:embedContent', { kind: 'embed' }],
    ['POST', '/v1beta/models/g:batchEmbedContents', { kind: 'embed' }],
    ['POST', '/v1beta/models/g:countTokens', { kind: 'count-tokens' }],
    ['POST', '/v1beta/models/imagen-4:predict', { kind: 'model-action', usesModel: true, model: 'imagen-4' }],
    ['POST', '/v1beta/tunedModels/mine:generateContent', { kind: 'generate', model: 'tunedModels/mine' }],
    ['POST', '/v1beta/models/g%3AgenerateContent', { kind: 'generate', path: '/v1beta/models/g%3AgenerateContent' }],
    ['POST', '/v1beta/models%2fg:generateContent', { kind: 'generate', model: 'g' }],
    ['GET', '/v1beta/models', { kind: 'other', usesModel: false }],
    ['GET', '/v1beta/models/gemini-2.5-pro', { kind: 'other', usesModel: false }],
    ['POST', '/upload/v1beta/files', { kind: 'other', body: 'any' }],
  ])('%s %s', (method, path, expected) => {
    expect(google.operation(method, path)).toMatchObject(expected)
  })

  it.each([
    ['GET', '/v1beta/cachedContents', undefined],
    ['DELETE', '/v1beta/tunedModels/t', undefined],
    ['POST', '/upload/v1beta/files', undefined],
    ['POST', '/v1beta/files', undefined],
    ['POST', '/v1beta/fileSearchStores/s:importFile', undefined],
    ['POST', '/v1beta/batches/b:cancel', undefined],
    ['PATCH', '/v1beta/cachedContents/c', undefined],
    ['POST', '/v1beta/tunedModels', 'unknown'],
    ['PATCH', '/v1beta/batches/b:updateGenerateContentBatch', 'unknown'],
  ])('%s %s runs no model now, and later: %s', (method, path, runsModel) => {
    const operation = google.operation(method, path)
    expect(operation).toMatchObject({ usesModel: false })
    expect(operation?.runsModel).toBe(runsModel)
    const inspection = operation && google.inspect(operation, { model: 'models/m' }, 100)
    expect(inspection).toMatchObject({ model: '', promptBytes: 0, maxOutputTokens: 0 })
  })

  it.each([
    ['POST', '/v1beta/cachedContents', 'named', 'm'],
    ['PATCH', '/v1beta/models/g', 'unknown', 'm'],
    ['POST', '/v1beta/models/a/b:generateContent', 'unknown', 'm'],
    ['POST', '/v1beta/files%20', undefined, ''],
    ['POST', '/v1beta/files/f%3b', 'unknown', 'm'],
  ])('%s %s may run a model, which is counted', (method, path, runsModel, model) => {
    const operation = google.operation(method, path)
    if (runsModel === undefined) return expect(operation).toBeUndefined()
    expect(operation).toMatchObject({ usesModel: true, unlisted: true, runsModel })
    expect(operation && google.inspect(operation, { model: 'models/m' }, 100)).toMatchObject({
      model,
      promptBytes: 100,
    })
  })

  it('run the model of the path whatever the method, which servers may be told to overlook', () => {
    const operation = google.operation('GET', '/v1beta/models/g:generateContent')
    expect(operation).toMatchObject({ usesModel: true, model: 'g' })
  })

  it.each([
    '/',
    '',
    '/v1beta',
    '/v2/models',
    '/v1beta/openai/chat/completions',
    '/v1beta/%',
    '/v1beta/models/../openai',
  ])('are not at %j', (path) => {
    expect(google.operation('POST', path)).toBeUndefined()
  })
})

it('authenticates with its key', () => {
  expect(google.authHeaders({ apiKey: { reveal: () => 'AIza' } })).toEqual({ 'x-goog-api-key': 'AIza' })
  expect(google.baseUrl({})).toBe('https://generativelanguage.googleapis.com')
  expect(google.baseUrl({ baseUrl: 'https://proxy.example/g/v1beta/' })).toBe('https://proxy.example/g')
  expect(google.baseUrl({ baseUrl: 'https://proxy.example/v1/v1beta' })).toBe('https://proxy.example')
})

it('tells of no limits in headers, whatever they are', () => {
  expect(google.rateLimits({ 'x-ratelimit-limit-requests': '5' }, 0)).toEqual([])
  expect(google.rateLimitHeaders({ 'content-type': 'x', 'retry-after': '3' })).toEqual({ 'retry-after': '3' })
  expect(google.rateLimitHeaders({ 'content-type': 'x' })).toBeUndefined()
})

describe('the retry time of a 429', () => {
  const body = readFileSync(join(import.meta.dirname, '../../test/fixtures/google', 'quota-error.json'))

  it('is in the body, where the headers do not say', () => {
    expect(google.retryAfterMs({}, 0, body)).toBe(34_075)
    expect(google.retryAfterMs({}, 0, Buffer.from(`[${body}]`))).toBe(34_075)
    expect(google.retryAfterMs({ 'retry-after': '5' }, 0, body)).toBe(5_000)
    expect(google.retryAfterMs({}, 0)).toBeUndefined()
  })

  it.each([
    '',
    'null',
    '[]',
    '{"error":',
    '{"error":{"details":{}}}',
    '{"error":{"details":[null,{"@type":"type.googleapis.com/google.rpc.QuotaFailure"}]}}',
    ...['34', '-1s', '1e3s', '', 's', 'NaNs'].map(
      (delay) => `{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"${delay}"}]}}`,
    ),
    '{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":34}]}}',
  ])('is not known by %j', (text) => {
    expect(google.retryAfterMs({}, 0, Buffer.from(text))).toBeUndefined()
  })
})

describe('errors', () => {
  const bodyOf = (error: Partial<ErrorToFormat>): unknown =>
    JSON.parse(google.errorResponse({ code: 'internal', status: 500, message: 'No.', requestId: 'r', ...error }).body)
      .error

  it.each([
    [400, 'INVALID_ARGUMENT'],
    [401, 'UNAUTHENTICATED'],
    [403, 'PERMISSION_DENIED'],
    [404, 'NOT_FOUND'],
    [413, 'INVALID_ARGUMENT'],
    [500, 'INTERNAL'],
    [502, 'UNAVAILABLE'],
    [504, 'DEADLINE_EXCEEDED'],
  ])('of status %d are worded as Google does', (code, status) => {
    expect(bodyOf({ status: code })).toEqual({ code, message: 'No.', status, details: [] })
  })

  it('of a capacity say which, and when it is free again', () => {
    expect(
      bodyOf({ status: 429, retryAfterMs: 12_400, limit: { period: 'minute', metric: 'requests', limit: 100 } }),
    ).toEqual({
      code: 429,
      message: 'No.',
      status: 'RESOURCE_EXHAUSTED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ quotaMetric: 'requests', quotaId: 'RequestsPerMinutePerConnection', quotaValue: '100' }],
        },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '12.4s' },
      ],
    })
  })
})
