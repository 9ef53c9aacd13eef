import { expect, it } from 'vitest'
import { providerTarget } from './provider-target.ts'

it.each([
  ['/connections/prod/v1/models', { path: '/v1/models', query: '' }],
  ['/connections/prod/v1/models?a=/b&c=%2F', { path: '/v1/models', query: 'a=/b&c=%2F' }],
  ['/connections/prod/v1/files/a%20b..c/.d', { path: '/v1/files/a%20b..c/.d', query: '' }],
  ['/connections/prod/v1beta/models/x:generateContent', { path: '/v1beta/models/x:generateContent', query: '' }],
  ['/connections/prod', undefined],
  ['/connections/prod?x=/v1', undefined],
  ['/connections/prod/v1/../x', undefined],
  ['/connections/prod/v1/%2E%2e/x', undefined],
  ['/connections/prod/v1/.%2e', undefined],
  ['/connections/prod/v1/..;/x', undefined],
  ['/connections/prod/v1%2f../x', undefined],
  ['/connections/prod/v1\\..\\x', undefined],
  ['/connections/prod/v1/files/%252e%252e/x', undefined],
  ['/connections/prod/v1/files/%25252e./x', undefined],
  ['/connections/prod/v1/files%252f..%252fx', undefined],
  ['/connections/prod/v1/files/..%253b/x', undefined],
  ['/connections/prod/v1/files/..%20/x', undefined],
  ['/connections/prod/v1/files/..%00', undefined],
  ['/connections/prod/v1%255cx', undefined],
  ['/connections/prod/v1/files/100%25/x', { path: '/v1/files/100%25/x', query: '' }],
])('%s', (url, expected) => {
  expect(providerTarget(url)).toEqual(expected)
})
