import { expect, it } from 'vitest'
import { credentialHint } from './stored-credentials.ts'

it('hints at a credential by its last four characters, if it is long', () => {
  expect(credentialHint({ apiKey: 'sk-0123456789abcdefghx4f2' })).toBe('…x4f2')
  expect(credentialHint({ apiKey: 'short-secret' })).toBe('…')
})
