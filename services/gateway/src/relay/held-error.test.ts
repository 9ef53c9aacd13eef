import { expect, it } from 'vitest'
import { HeldError, translatedError } from './held-error.ts'

const MIB = 1024 * 1024
const asItIs = (body: Buffer) => body

it('keeps no more of an error than can be held', () => {
  const held = new HeldError(500, '', {})
  expect(held.push(Buffer.alloc(MIB - 1, '.'))).toBe(true)
  expect(held.push(Buffer.from('..more'))).toBe(false)
  expect(held.complete(asItIs).body.equals(Buffer.alloc(MIB, '.'))).toBe(true)
})

it('returns an error that is short enough whole, with its new length', () => {
  const held = new HeldError(401, 'Unauthorized', { 'content-length': '9' })
  expect(held.push(Buffer.from('You sent '))).toBe(true)
  expect(held.push(Buffer.from('none.'))).toBe(true)
  const { body, fields } = held.complete((given) => Buffer.from(given.toString().replace('none', '[redacted]')))
  expect(body.toString()).toBe('You sent [redacted].')
  expect(fields).toEqual(['content-length', '20'])
})

it('leaves the length of a body that a HEAD only announces', () => {
  const { fields } = new HeldError(404, '', { 'content-length': '9' }).complete(asItIs)
  expect(fields).toEqual(['content-length', '9'])
})

it('has one Retry-After, whatever the provider’s headers say', () => {
  const error = {
    status: 429,
    statusMessage: 'Too Many Requests',
    fields: ['retry-after', '9', 'Retry-After-Ms', '9000', 'x-kept', 'a'],
    body: Buffer.from('{}'),
  }
  const { fields } = translatedError(error, { message: 'Slow down.', code: null }, 1_500)
  expect(fields.slice(0, 2)).toEqual(['x-kept', 'a'])
  expect(fields.slice(-4)).toEqual(['retry-after', '2', 'retry-after-ms', '1500'])
  expect(fields).toHaveLength(10)
})
