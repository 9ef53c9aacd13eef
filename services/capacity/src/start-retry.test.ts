import { SluiceError } from '@sluice/contracts'
import { NoReplyError } from '@sluice/messaging'
import { expect, it, vi } from 'vitest'
import { retryStart } from './start-retry.ts'

const timedOut = Object.assign(new Error('TIMEOUT'), { code: 'TIMEOUT' })

it.each([timedOut, new NoReplyError('a.b')])('a step of the start is repeated after %s', async (fault) => {
  const step = vi.fn(async () => 'done').mockRejectedValueOnce(fault)
  const onTimeout = vi.fn()
  expect(await retryStart(step, onTimeout)).toBe('done')
  expect(onTimeout.mock.calls).toEqual([[fault]])
})

it('a step of the start is no longer repeated when its time is over', async () => {
  const step = vi.fn(async () => Promise.reject(timedOut))
  await expect(retryStart(step, () => undefined, 250)).rejects.toBe(timedOut)
  expect(step.mock.calls.length).toBeGreaterThan(1)
})

it('a step of the start that is refused is not repeated', async () => {
  const fault = new SluiceError('internal', 'no')
  const step = vi.fn(async () => Promise.reject(fault))
  await expect(retryStart(step, () => undefined)).rejects.toBe(fault)
  expect(step).toHaveBeenCalledTimes(1)
})
