import { expect, it } from 'vitest'
import { eventually } from './eventually.ts'

it('calls until the assertion holds', async () => {
  let calls = 0
  const result = await eventually(() => {
    calls++
    expect(calls).toBe(3)
    return 'held'
  })
  expect(result).toBe('held')
})

it('throws what the assertion threw last, once the time is up', async () => {
  let calls = 0
  const attempt = eventually(() => Promise.reject(new Error(`attempt ${++calls}`)), { timeoutMs: 50 })
  await expect(attempt).rejects.toThrow(/attempt/)
  expect(calls).toBeGreaterThan(1)
})
