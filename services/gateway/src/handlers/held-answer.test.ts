import { expect, it } from 'vitest'
import { HeldAnswer } from './held-answer.ts'

const SECRET = 'sk-1f0e9d8c7b6a5f4e'
const MIB = 1024 * 1024

it('leaves no part of a secret where an error is too long to be held', () => {
  for (const seen of [1, SECRET.length - 1, SECRET.length]) {
    const held = new HeldAnswer(500, '', {})
    expect(held.push(Buffer.alloc(MIB - seen, '.'))).toBe(true)
    expect(held.push(Buffer.from(SECRET.repeat(2)))).toBe(false)
    const { body } = held.withoutSecrets([SECRET])
    expect(body.length).toBeGreaterThan(MIB / 2)
    expect(body.toString()).toMatch(/^\.+$/)
  }
})

it('gives an error that is short enough whole', () => {
  const held = new HeldAnswer(401, 'Unauthorized', { 'content-length': '9' })
  expect(held.push(Buffer.from(`You sent ${SECRET}.`))).toBe(true)
  const { body, fields } = held.withoutSecrets([SECRET])
  expect(body.toString()).toBe('You sent [redacted].')
  expect(fields).toEqual(['content-length', '20'])
})
