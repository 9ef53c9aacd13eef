import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { Secret } from './secret.ts'

it('shows its value to reveal() and to nothing else', () => {
  const secret = new Secret('sk-canary')
  expect(secret.reveal()).toBe('sk-canary')
  const shown = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
    String(Object.values(secret)),
  ]
  for (const text of shown) expect(text).not.toContain('sk-canary')
  expect(`${secret}`).toBe('[redacted]')
})
