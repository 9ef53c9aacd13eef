import { expect, it } from 'vitest'
import { pause, within } from './pause.ts'

it('is over in time', async () => {
  const startedMs = performance.now()
  await pause(30, new AbortController().signal)
  // Timers count whole milliseconds from the loop's own time.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(28)
})

it('is over when its signal is aborted, before or meanwhile', async () => {
  const stopping = new AbortController()
  const paused = pause(60_000, stopping.signal)
  stopping.abort(new Error('whatever the reason'))
  await paused
  await pause(60_000, stopping.signal)
})

it('passes on what is no abort', async () => {
  await expect(pause(1, 'none' as unknown as AbortSignal)).rejects.toThrow(TypeError)
})

it('waits for work no longer than its deadline, and says whether it was done', async () => {
  const never = Promise.withResolvers<void>()
  expect(await within(20, never.promise)).toBe(false)
  expect(await within(60_000, Promise.resolve('done'))).toBe(true)
  await expect(within(60_000, Promise.reject(new TypeError('broken')))).rejects.toThrow(TypeError)
})
