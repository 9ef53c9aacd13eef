import { expect, it } from 'vitest'
import { credentialHint, ROTATION_GRACE_MS, servable } from './credential.ts'

it('hints at a credential by its last four characters, if it is long', () => {
  expect(credentialHint({ apiKey: 'sk-0123456789abcdefghx4f2' })).toBe('…x4f2')
  expect(credentialHint({ apiKey: 'short-secret' })).toBe('…')
})

it('hands out the current version, and the one before it until a while after the rotation', () => {
  const rotatedAt = new Date(1_000_000)
  const current = { version: 3, rotatedAt }
  const at = (ms: number) => new Date(rotatedAt.getTime() + ms)
  expect(servable(3, current, at(10 * ROTATION_GRACE_MS))).toBe('servable')
  expect(servable(2, current, at(ROTATION_GRACE_MS - 1))).toBe('servable')
  expect(servable(2, current, at(ROTATION_GRACE_MS))).toBe('superseded')
  expect(servable(1, current, at(0))).toBe('superseded')
  expect(servable(4, current, at(0))).toBe('not_yet')
})
