import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBody, MAX_DECODED_BYTES } from './decode-body.ts'
import { redactSecrets } from './redact-secrets.ts'

const SPECIAL = 'sk-a"b\\c/d+e<f='

it('leaves no secret, and every other byte', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (before, after) => {
      const body = Buffer.concat([before, Buffer.from('sk-secret'), after, Buffer.from('sk-secret')])
      const expected = Buffer.concat([before, Buffer.from('[redacted]'), after, Buffer.from('[redacted]')])
      expect(redactSecrets(body, ['', 'sk-secret']).equals(expected)).toBe(true)
    }),
  )
})

it('gives the same buffer where there is no secret', () => {
  const body = Buffer.from('nothing')
  expect(redactSecrets(body, ['sk-secret'])).toBe(body)
})

it.each([
  ['as it is', SPECIAL],
  ['in JSON', JSON.stringify(SPECIAL).slice(1, -1)],
  ['in JSON in JSON', JSON.stringify(JSON.stringify(SPECIAL)).slice(3, -3)],
  ['in JSON as PHP writes it', JSON.stringify(SPECIAL).slice(1, -1).replaceAll('/', '\\/')],
  ['in JSON as Go writes it', JSON.stringify(SPECIAL).slice(1, -1).replaceAll('<', '\\u003c')],
  ['in a URL', encodeURIComponent(SPECIAL)],
])('finds a secret %s: %s', (_, written) => {
  expect(redactSecrets(Buffer.from(`a ${written} b ${written}`), [SPECIAL]).toString()).toBe(
    'a [redacted] b [redacted]',
  )
})

it('decodes what it can, and passes on nothing that it cannot', () => {
  expect(decodeBody(gzipSync('text'), 'gzip').toString()).toBe('text')
  expect(decodeBody(Buffer.from('text'), undefined).toString()).toBe('text')
  expect(decodeBody(Buffer.from('text'), 'gzip')).toHaveLength(0)
  expect(decodeBody(Buffer.from('text'), 'unknown')).toHaveLength(0)
  expect(decodeBody(gzipSync(Buffer.alloc(MAX_DECODED_BYTES + 1)), 'gzip')).toHaveLength(0)
})
