import { validateHeaderValue } from 'node:http'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  type HeaderFields,
  removeField,
  requestHeaders,
  responseHeaders,
  sendableReasonPhrase,
} from './forwarded-headers.ts'

it.each<[HeaderFields, HeaderFields]>([
  [[], []],
  [
    ['vary', 'a', 'content-length', '3'],
    ['vary', 'a'],
  ],
  [
    ['vary', 'content-length', 'content-length', '3', 'x', 'y'],
    ['vary', 'content-length', 'x', 'y'],
  ],
  [
    ['x', ['content-length', 'content-length']],
    ['x', ['content-length', 'content-length']],
  ],
  [['Content-Length', '3', 'content-length', '3'], []],
])('takes the fields of a name, and no value, out of %j', (fields, remaining) => {
  removeField(fields, 'content-length')
  expect(fields).toEqual(remaining)
})

const pairs = (fields: (string | string[])[]) =>
  Object.fromEntries(
    Array.from({ length: fields.length / 2 }, (_, index) => [fields[2 * index], fields[2 * index + 1]]),
  )

it('sends the caller’s headers except those of the hop, credentials and those of the connection', () => {
  const headers = {
    host: 'gateway',
    connection: 'keep-alive, X-Hop',
    'x-hop': '1',
    te: 'trailers',
    expect: '100-continue',
    authorization: 'Bearer slc_1',
    'x-goog-api-key': 'slc_1',
    cookie: 'a=b',
    'x-forwarded-for': '10.0.0.1',
    'accept-encoding': 'gzip',
    'content-length': '5',
    'openai-organization': 'caller',
    'user-agent': 'sdk',
    'content-type': 'application/json',
  }
  const sent = requestHeaders(headers, new Set(['openai-organization']), { authorization: 'Bearer sk' })
  expect(pairs(sent)).toEqual({
    'user-agent': 'sdk',
    'content-type': 'application/json',
    authorization: 'Bearer sk',
    'accept-encoding': 'identity',
  })
})

it('returns the provider’s headers except those of the hop and cookies', () => {
  const headers = {
    connection: 'close',
    'keep-alive': 'timeout=5',
    'transfer-encoding': 'chunked',
    'set-cookie': ['a=b'],
    ratelimit: 'theirs',
    'x-sluice-source': 'forged',
    'x-note': ['a', 'b'],
    'content-length': '5',
  }
  expect(pairs(responseHeaders(headers))).toEqual({ 'x-note': ['a', 'b'], 'content-length': '5' })
})

it.each([
  ['OK', 'OK'],
  ['Tr\xe8s bien\t!', 'Tr\xe8s bien\t!'],
  ['', ''],
  ['O\ufffd K', ''],
  ['OK\r\nx-injected: 1', ''],
  ['O\0K', ''],
])('of %j leaves %j', (phrase, sendable) => {
  expect(sendableReasonPhrase(phrase)).toBe(sendable)
})

it('leaves nothing that Node refuses', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0x1ff })), (codes) => {
      validateHeaderValue('reason', sendableReasonPhrase(String.fromCharCode(...codes)))
    }),
  )
})
