import { SluiceError } from '@sluice/contracts'
import { NoReplyError } from '@sluice/messaging'
import { expect, it, vi } from 'vitest'
import { retryStart } from './start-retry.ts'

const timedOut = Object.assign(new Error('TIMEOUT'), { code: 'TIMEOUT' })

it.each([timedOut, new NoReplyError('a.b')])('asks again after %s', async (fault) => {
  const ask = vi.fn(async () => 'answer').mockRejectedValueOnce(fault)
  const onUnresponded = vi.fn()
  expect(await retryStart(ask, onUnresponded)).toBe('answer')
  expect(onUnresponded.mock.calls).toEqual([[fault]])
})

it('gives up when its time is over', async () => {
  const ask = vi.fn(async () => Promise.reject(timedOut))
  await expect(retryStart(ask, () => undefined, 250)).rejects.toBe(timedOut)
  expect(ask.mock.calls.length).toBeGreaterThan(1)
})

it('does not ask again where the answer is that it cannot be', async () => {
  const fault = new SluiceError('internal', 'no')
  const ask = vi.fn(async () => Promise.reject(fault))
  await expect(retryStart(ask, () => undefined)).rejects.toBe(fault)
  expect(ask).toHaveBeenCalledTimes(1)
})
