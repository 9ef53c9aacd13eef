import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { decodeBody, MAX_DECODED_BYTES } from './decode-body.ts'

it('takes off an encoding that is known', () => {
  expect(decodeBody(gzipSync('body'), 'gzip').toString()).toBe('body')
  expect(decodeBody(Buffer.from('body'), undefined).toString()).toBe('body')
})

it.each(['compress', 'gzip, br', 'constructor', 'hasOwnProperty', '__proto__'])('gives nothing for %s', (encoding) => {
  expect(decodeBody(Buffer.from('body'), encoding)).toEqual(Buffer.alloc(0))
})

it('gives nothing for what is damaged, or too long', () => {
  expect(decodeBody(Buffer.from('body'), 'gzip')).toHaveLength(0)
  expect(decodeBody(gzipSync(Buffer.alloc(MAX_DECODED_BYTES + 1)), 'gzip')).toHaveLength(0)
})
