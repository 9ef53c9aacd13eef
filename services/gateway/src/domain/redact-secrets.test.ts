import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBody, MAX_DECODED_BYTES } from './decode-body.ts'
import { redactSecrets } from './redact-secrets.ts'

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

it('decodes what it can, and passes on nothing that it cannot', () => {
  expect(decodeBody(gzipSync('text'), 'gzip').toString()).toBe('text')
  expect(decodeBody(Buffer.from('text'), undefined).toString()).toBe('text')
  expect(decodeBody(Buffer.from('text'), 'gzip')).toHaveLength(0)
  expect(decodeBody(Buffer.from('text'), 'unknown')).toHaveLength(0)
  expect(decodeBody(gzipSync(Buffer.alloc(MAX_DECODED_BYTES + 1)), 'gzip')).toHaveLength(0)
})
